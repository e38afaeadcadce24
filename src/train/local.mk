# libtrain.a, the program attune-engine, and their tests
noinst_LIBRARIES += libtrain.a
libtrain_a_SOURCES = \
	%D%/agreement.c %D%/agreement.h \
	%D%/batch.c %D%/batch.h \
	%D%/chat_text.c %D%/chat_text.h \
	%D%/calibration.c %D%/calibration.h \
	%D%/checkpoint.c %D%/checkpoint.h \
	%D%/comparison.c %D%/comparison.h \
	%D%/control.c %D%/control.h \
	%D%/credit.c %D%/credit.h \
	%D%/dataset.c %D%/dataset.h \
	%D%/dataset_lists.c %D%/dataset_lists.h \
	%D%/evaluate.c %D%/evaluate.h \
	%D%/live_reference.c %D%/live_reference.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/mismatch.c %D%/mismatch.h \
	%D%/numbers.c %D%/numbers.h \
	%D%/objectives/aot.c \
	%D%/objectives/apo.c \
	%D%/objectives/batch_order.c %D%/objectives/batch_order.h \
	%D%/objectives/bco.c \
	%D%/objectives/bco_pair.c \
	%D%/objectives/beta_dpo.c \
	%D%/objectives/cpo.c \
	%D%/objectives/cringe.c \
	%D%/objectives/d2o.c \
	%D%/objectives/discopop.c \
	%D%/objectives/dpo.c \
	%D%/objectives/dpo_norm.c \
	%D%/objectives/dpop.c \
	%D%/objectives/dro_v.c \
	%D%/objectives/exo.c \
	%D%/objectives/f_dpo.c \
	%D%/objectives/gpo.c \
	%D%/objectives/ipo.c \
	%D%/objectives/list_pairs.c \
	%D%/objectives/list_stages.c \
	%D%/objectives/list_targets.c \
	%D%/objectives/lists.h \
	%D%/objectives/kto.c \
	%D%/objectives/margin.h \
	%D%/objectives/nca_pair.c \
	%D%/objectives/npo.c \
	%D%/objectives/objective.h \
	%D%/objectives/objectives.c \
	%D%/objectives/orpo.c \
	%D%/objectives/r_dpo.c \
	%D%/objectives/paft.c \
	%D%/objectives/sdpo.c \
	%D%/objectives/preference_model.c \
	%D%/objectives/rm.c \
	%D%/objectives/robust_dpo.c \
	%D%/objectives/rpo.c \
	%D%/objectives/sft.c \
	%D%/objectives/simpo.c \
	%D%/objectives/slic.c \
	%D%/objectives/sppo_hard.c \
	%D%/objectives/stable.h \
	%D%/objectives/tdpo.c \
	%D%/objectives/weighting.c %D%/objectives/weighting.h \
	%D%/optimizer.c %D%/optimizer.h \
	%D%/paft_parts.c %D%/paft_parts.h \
	%D%/paft_run.c %D%/paft_run.h \
	%D%/params.c %D%/params.h \
	%D%/preflight.c %D%/preflight.h \
	%D%/probe.c %D%/probe.h \
	%D%/ranking.c %D%/ranking.h \
	%D%/recorder.c %D%/recorder.h \
	%D%/reference.c %D%/reference.h \
	%D%/reference_file.c %D%/reference_file.h \
	%D%/run.c %D%/run.h \
	%D%/run_rules.c \
	%D%/run_load.c \
	%D%/run_singles.c \
	%D%/samples.c %D%/samples.h \
	%D%/schedule.c %D%/schedule.h \
	%D%/scoring.c %D%/scoring.h \
	%D%/stages.c %D%/stages.h \
	%D%/text_rules.c %D%/text_rules.h \
	%D%/trainer.c %D%/trainer.h \
	%D%/udm.c %D%/udm.h \
	%D%/value.c %D%/value.h
TRAIN_LIBS = libtrain.a libdemo.a libcorpus.a libtext.a libmodel.a $(CPU_LIBS) libstore.a $(PCRE2_LIBS) $(SQLITE_LIBS) \
	$(BASE_LIBS)

bin_PROGRAMS += attune-engine
attune_engine_SOURCES = \
	%D%/commands/agree.c \
	%D%/commands/bench.c %D%/commands/bench.h \
	%D%/commands/bench_machine.c \
	%D%/commands/bench_stand.c \
	%D%/commands/check.c \
	%D%/commands/credit.c \
	%D%/commands/describe.c \
	%D%/commands/describe_objective.c \
	%D%/commands/engine_commands.h \
	%D%/commands/engine_main.c \
	%D%/commands/merge.c \
	%D%/commands/model_card.c %D%/commands/model_card.h \
	%D%/commands/model_info.c \
	%D%/commands/objective_eval.c \
	%D%/commands/run_command.c \
	%D%/commands/sample.c \
	%D%/commands/score.c \
	%D%/commands/session.c %D%/commands/session.h \
	%D%/commands/tools.c
attune_engine_LDADD = $(TRAIN_LIBS)

# What training costs on this machine; a few minutes on two cores.
.PHONY: bench
bench: attune-engine
	./attune-engine bench

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_head_gradient
tests_unit_test_head_gradient_SOURCES = tests/unit/test_head_gradient.c
tests_unit_test_head_gradient_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_objectives
tests_unit_test_objectives_SOURCES = tests/unit/test_objectives.c tests/lib/objective_batch.h
tests_unit_test_objectives_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_lists
tests_unit_test_lists_SOURCES = tests/unit/test_lists.c tests/lib/objective_batch.h
tests_unit_test_lists_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_golden_pairs
tests_unit_test_golden_pairs_SOURCES = tests/unit/test_golden_pairs.c tests/lib/objective_batch.h
tests_unit_test_golden_pairs_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_pairs
tests_unit_test_pairs_SOURCES = tests/unit/test_pairs.c tests/lib/objective_batch.h
tests_unit_test_pairs_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_head_training
tests_train_test_head_training_SOURCES = tests/train/test_head_training.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_head_training_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/train/test_trainer
tests_train_test_trainer_SOURCES = tests/train/test_trainer.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_trainer_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_calibration
tests_unit_test_calibration_SOURCES = tests/unit/test_calibration.c
tests_unit_test_calibration_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_rewards
tests_train_test_rewards_SOURCES = tests/train/test_rewards.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_rewards_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_list_data
tests_train_test_list_data_SOURCES = tests/train/test_list_data.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_list_data_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_singles
tests_train_test_singles_SOURCES = tests/train/test_singles.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_singles_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_text_rules
tests_train_test_text_rules_SOURCES = tests/train/test_text_rules.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_text_rules_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_data
tests_train_test_data_SOURCES = tests/train/test_data.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_data_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_assets
tests_train_test_assets_SOURCES = tests/train/test_assets.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_assets_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_table
tests_train_test_table_SOURCES = tests/train/test_table.c tests/train/fixture.c tests/train/fixture.h
tests_train_test_table_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_run
tests_train_test_run_SOURCES = tests/train/test_run.c tests/train/whole.c tests/train/whole.h tests/train/fixture.c \
	tests/train/fixture.h
tests_train_test_run_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/test_stages tests/train/test_paft
tests_train_test_stages_SOURCES = tests/train/test_stages.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_test_stages_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_test_paft_SOURCES = tests/train/test_paft.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_test_paft_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += tests/golden/objectives/README.md tests/golden/objectives/common.py \
	tests/golden/objectives/batches.json tests/golden/objectives/batches.py \
	tests/golden/objectives/head.json tests/golden/objectives/head.py \
	tests/golden/objectives/lists.json tests/golden/objectives/lists.py \
	tests/golden/objectives/binary.json tests/golden/objectives/binary.py \
	tests/golden/objectives/pairs.json tests/golden/objectives/pairs.py \
	tests/golden/objectives/rewards.json tests/golden/objectives/rewards.py \
	tests/golden/objectives/stages.json tests/golden/objectives/stages.py
