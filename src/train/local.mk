# libtrain.a, the program attune-engine, and their tests
noinst_LIBRARIES += libtrain.a
libtrain_a_SOURCES = \
	%D%/objective/advantages.c %D%/objective/advantages.h \
	%D%/objective/agreement.c %D%/objective/agreement.h \
	%D%/objective/aot.c \
	%D%/objective/apo.c \
	%D%/objective/batch_order.c %D%/objective/batch_order.h \
	%D%/objective/bco.c \
	%D%/objective/bco_pair.c \
	%D%/objective/beta_dpo.c \
	%D%/objective/calibration.c %D%/objective/calibration.h \
	%D%/objective/correction.c %D%/objective/correction.h \
	%D%/objective/cpo.c \
	%D%/objective/cringe.c \
	%D%/objective/d2o.c \
	%D%/objective/discopop.c \
	%D%/objective/dpo.c \
	%D%/objective/dpo_norm.c \
	%D%/objective/dpop.c \
	%D%/objective/dro_v.c \
	%D%/objective/exo.c \
	%D%/objective/f_dpo.c \
	%D%/objective/gpo.c \
	%D%/objective/grpo.c \
	%D%/objective/ipo.c \
	%D%/objective/kto.c \
	%D%/objective/list_pairs.c \
	%D%/objective/list_stages.c \
	%D%/objective/list_targets.c \
	%D%/objective/lists.h \
	%D%/objective/margin.h \
	%D%/objective/metrics.c %D%/objective/metrics.h \
	%D%/objective/nca_pair.c \
	%D%/objective/ngrams.c %D%/objective/ngrams.h \
	%D%/objective/npo.c \
	%D%/objective/objective.c %D%/objective/objective.h \
	%D%/objective/nash.c \
	%D%/objective/online_dpo.c \
	%D%/objective/picks.c %D%/objective/picks.h \
	%D%/objective/rso.c \
	%D%/objective/self_play.c \
	%D%/objective/table.c \
	%D%/objective/orpo.c \
	%D%/objective/paft.c \
	%D%/objective/policy_gradient.c %D%/objective/policy_gradient.h \
	%D%/objective/pm_divergence.c %D%/objective/pm_divergence.h \
	%D%/objective/ppo.c \
	%D%/objective/preference_matching.c \
	%D%/objective/preference_model.c \
	%D%/objective/r_dpo.c \
	%D%/objective/ranking.c %D%/objective/ranking.h \
	%D%/objective/rm.c \
	%D%/objective/reinforce.c \
	%D%/objective/rloo.c \
	%D%/objective/robust_dpo.c \
	%D%/objective/rpo.c \
	%D%/objective/schedule.c %D%/objective/schedule.h \
	%D%/objective/sdpo.c \
	%D%/objective/sft.c \
	%D%/objective/simpo.c \
	%D%/objective/slic.c \
	%D%/objective/spl.c \
	%D%/objective/sppo_hard.c \
	%D%/objective/stable.h \
	%D%/objective/statistics.c %D%/objective/statistics.h \
	%D%/objective/surrogate.c %D%/objective/surrogate.h \
	%D%/objective/tdpo.c \
	%D%/objective/weighting.c %D%/objective/weighting.h \
	%D%/data/chat_text.c %D%/data/chat_text.h \
	%D%/data/comparison.c %D%/data/comparison.h \
	%D%/data/dataset.c %D%/data/dataset.h \
	%D%/data/dataset_build.c \
	%D%/data/dataset_lists.c %D%/data/dataset_lists.h \
	%D%/data/order.c %D%/data/order.h \
	%D%/data/mismatch.c %D%/data/mismatch.h \
	%D%/data/text_rules.c %D%/data/text_rules.h \
	%D%/learn/credit.c %D%/learn/credit.h \
	%D%/learn/imitation.c %D%/learn/imitation.h \
	%D%/learn/evaluate.c %D%/learn/evaluate.h \
	%D%/learn/live_reference.c %D%/learn/live_reference.h \
	%D%/learn/numbers.c %D%/learn/numbers.h \
	%D%/learn/optimizer.c %D%/learn/optimizer.h \
	%D%/learn/own_answers.c %D%/learn/own_answers.h \
	%D%/learn/packing.c %D%/learn/packing.h \
	%D%/learn/ranks.c %D%/learn/ranks.h \
	%D%/learn/reference.c %D%/learn/reference.h \
	%D%/learn/reference_file.c %D%/learn/reference_file.h \
	%D%/learn/scoring.c %D%/learn/scoring.h \
	%D%/learn/group_source.c %D%/learn/group_source.h \
	%D%/learn/trainer.c %D%/learn/trainer.h \
	%D%/learn/udm.c %D%/learn/udm.h \
	%D%/learn/value.c %D%/learn/value.h \
	%D%/online/reward_command.c \
	%D%/online/reward_kinds.h \
	%D%/online/reward_model.c %D%/online/reward_preference.c \
	%D%/online/reward_rules.c \
	%D%/online/reward_spec.c \
	%D%/online/rewards.c %D%/online/rewards.h \
	%D%/online/rollout_ahead.c \
	%D%/online/rollout_facts.c \
	%D%/online/rollout_numbers.c \
	%D%/online/rollout_params.c \
	%D%/online/rollout_parts.h \
	%D%/online/rollout_sample.c \
	%D%/online/rollout_state.c \
	%D%/online/rollouts.c %D%/online/rollouts.h \
	%D%/online/rollout_unscored.c \
	%D%/run/best.c %D%/run/best.h \
	%D%/run/best_rules.c \
	%D%/run/checkpoint.c %D%/run/checkpoint.h \
	%D%/run/control.c %D%/run/control.h \
	%D%/run/feedback.c %D%/run/feedback.h %D%/run/feedback_pairs.c %D%/run/feedback_pairs.h \
	%D%/run/experiment.c %D%/run/experiment.h \
	%D%/run/run_parts.c %D%/run/run_parts.h \
	%D%/run/paft_run.c %D%/run/paft_run.h \
	%D%/run/eval_answers.c %D%/run/eval_answers.h \
	%D%/run/eval_measures.c %D%/run/eval_measures.h \
	%D%/run/held_out.c %D%/run/held_out.h \
	%D%/run/imitate.c %D%/run/imitate.h \
	%D%/run/loop.c %D%/run/loop.h \
	%D%/run/memory_plan.c %D%/run/memory_plan.h \
	%D%/run/open_model.c %D%/run/open_model.h \
	%D%/run/params.c %D%/run/params.h \
	%D%/run/preflight.c %D%/run/preflight.h \
	%D%/run/probe.c %D%/run/probe.h \
	%D%/run/recipe.c %D%/run/recipe.h \
	%D%/run/recipe_check.c %D%/run/recipe_check.h \
	%D%/run/recipe_plan.c \
	%D%/run/run_cost.c %D%/run/run_cost.h \
	%D%/run/recipe_run.c %D%/run/recipe_run.h \
	%D%/run/sweep_rule.c %D%/run/sweep_rule.h \
	%D%/run/sweep_run.c %D%/run/sweep_run.h \
	%D%/run/recipe_words.c \
	%D%/run/recorder.c %D%/run/recorder.h \
	%D%/run/run.c %D%/run/run.h \
	%D%/run/run_load.c \
	%D%/run/run_online.c %D%/run/run_online.h \
	%D%/run/run_rules.c \
	%D%/run/run_say.c \
	%D%/run/run_singles.c \
	%D%/run/stages.c %D%/run/stages.h
TRAIN_LIBS = libtrain.a libdemo.a libcorpus.a libtext.a libmodel.a $(CPU_LIBS) libstore.a $(PCRE2_LIBS) $(SQLITE_LIBS) \
	$(BASE_LIBS)

# What `attune recipe run NAME` finds.
recipedir = $(pkgdatadir)/recipes
dist_recipe_DATA = \
	share/attune/recipes/demo.conf \
	share/attune/recipes/demo-plane.conf \
	share/attune/recipes/iterative-dpo.conf \
	share/attune/recipes/pm-rlhf-llama-2-7b.conf \
	share/attune/recipes/pm-rlhf-opt-1.3b.conf \
	share/attune/recipes/rlhf.conf \
	share/attune/recipes/sdpo.conf \
	share/attune/recipes/self-play.conf \
	share/attune/recipes/self-training.conf \
	share/attune/recipes/sft-dpo.conf \
	share/attune/recipes/sft-rm.conf \
	share/attune/recipes/llama-2-7b.json \
	share/attune/recipes/opt-1.3b.json

bin_PROGRAMS += attune-engine
attune_engine_SOURCES = \
	%D%/engine/answers.c %D%/engine/answers.h \
	%D%/engine/agree.c \
	%D%/engine/bench.c %D%/engine/bench.h \
	%D%/engine/bench_machine.c \
	%D%/engine/bench_model.c \
	%D%/engine/bench_stand.c \
	%D%/engine/bench_start.c \
	%D%/engine/check.c \
	%D%/engine/credit.c \
	%D%/engine/describe.c \
	%D%/engine/describe_objective.c \
	%D%/engine/eval.c \
	%D%/engine/eval_models.c %D%/engine/eval_models.h \
	%D%/engine/engine_commands.h \
	%D%/engine/memory.c \
	%D%/engine/engine_main.c \
	%D%/engine/merge.c \
	%D%/engine/model_card.c %D%/engine/model_card.h \
	%D%/engine/model_info.c \
	%D%/engine/objective_eval.c %D%/engine/objective_eval.h \
	%D%/engine/objective_eval_tokens.c \
	%D%/engine/run_command.c \
	%D%/engine/sample.c \
	%D%/engine/sampling.c %D%/engine/sampling.h \
	%D%/engine/serve_model.c \
	%D%/engine/score.c \
	%D%/engine/recipe.c \
	%D%/engine/session.c %D%/engine/session.h \
	%D%/engine/tokens.c \
	%D%/engine/tools.c
attune_engine_LDADD = $(TRAIN_LIBS)

# What training costs on this machine; a few minutes on two cores.
.PHONY: bench
bench: attune-engine
	./attune-engine bench

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_head_gradient
tests_unit_test_head_gradient_SOURCES = tests/unit/test_head_gradient.c
tests_unit_test_head_gradient_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/train/objective/test_objectives
tests_train_objective_test_objectives_SOURCES = tests/train/objective/test_objectives.c tests/lib/objective_batch.h
tests_train_objective_test_objectives_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_lists
tests_train_objective_test_lists_SOURCES = tests/train/objective/test_lists.c tests/lib/objective_batch.h
tests_train_objective_test_lists_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_golden_pairs
tests_train_objective_test_golden_pairs_SOURCES = tests/train/objective/test_golden_pairs.c tests/lib/objective_batch.h
tests_train_objective_test_golden_pairs_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_fixed_points tests/train/objective/test_picks
tests_train_objective_test_picks_SOURCES = tests/train/objective/test_picks.c tests/lib/objective_batch.h
tests_train_objective_test_picks_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_objective_test_fixed_points_SOURCES = tests/train/objective/test_fixed_points.c tests/lib/objective_batch.h
tests_train_objective_test_fixed_points_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_pairs
tests_train_objective_test_pairs_SOURCES = tests/train/objective/test_pairs.c tests/lib/objective_batch.h
tests_train_objective_test_pairs_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/learn/test_head_training
tests_train_learn_test_head_training_SOURCES = tests/train/learn/test_head_training.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_head_training_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/train/learn/test_references tests/train/learn/test_trainer
tests_train_learn_test_references_SOURCES = tests/train/learn/test_references.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_references_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_learn_test_trainer_SOURCES = tests/train/learn/test_trainer.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_trainer_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/learn/test_optimizer tests/train/learn/test_step
tests_train_learn_test_step_SOURCES = tests/train/learn/test_step.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_step_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_learn_test_optimizer_SOURCES = tests/train/learn/test_optimizer.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_optimizer_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_online
tests_train_objective_test_online_SOURCES = tests/train/objective/test_online.c tests/lib/objective_batch.h
tests_train_objective_test_online_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/online/test_rewards_of_answers
tests_train_online_test_rewards_of_answers_SOURCES = tests/train/online/test_rewards_of_answers.c tests/train/fixture.c \
	tests/train/fixture.h
tests_train_online_test_rewards_of_answers_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/online/test_ahead
tests_train_online_test_ahead_SOURCES = tests/train/online/test_ahead.c tests/train/fixture.c tests/train/fixture.h
tests_train_online_test_ahead_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/online/test_picked
tests_train_online_test_picked_SOURCES = tests/train/online/test_picked.c tests/train/fixture.c tests/train/fixture.h
tests_train_online_test_picked_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/online/test_taped
tests_train_online_test_taped_SOURCES = tests/train/online/test_taped.c tests/train/fixture.c tests/train/fixture.h
tests_train_online_test_taped_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/online/test_toys
tests_train_online_test_toys_SOURCES = tests/train/online/test_toys.c tests/train/fixture.c tests/train/fixture.h
tests_train_online_test_toys_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_statistics
tests_train_objective_test_statistics_SOURCES = tests/train/objective/test_statistics.c
tests_train_objective_test_statistics_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_calibration
tests_train_objective_test_calibration_SOURCES = tests/train/objective/test_calibration.c
tests_train_objective_test_calibration_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/learn/test_rewards
tests_train_learn_test_rewards_SOURCES = tests/train/learn/test_rewards.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_rewards_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/data/test_list_data
tests_train_data_test_list_data_SOURCES = tests/train/data/test_list_data.c tests/train/fixture.c tests/train/fixture.h
tests_train_data_test_list_data_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/data/test_singles
tests_train_data_test_singles_SOURCES = tests/train/data/test_singles.c tests/train/fixture.c tests/train/fixture.h
tests_train_data_test_singles_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/data/test_text_rules
tests_train_data_test_text_rules_SOURCES = tests/train/data/test_text_rules.c tests/train/fixture.c tests/train/fixture.h
tests_train_data_test_text_rules_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/data/test_data
tests_train_data_test_data_SOURCES = tests/train/data/test_data.c tests/train/fixture.c tests/train/fixture.h
tests_train_data_test_data_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/data/test_assets
tests_train_data_test_assets_SOURCES = tests/train/data/test_assets.c tests/train/fixture.c tests/train/fixture.h
tests_train_data_test_assets_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/objective/test_table
tests_train_objective_test_table_SOURCES = tests/train/objective/test_table.c tests/train/fixture.c tests/train/fixture.h
tests_train_objective_test_table_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/run/test_online_run
tests_train_run_test_online_run_SOURCES = tests/train/run/test_online_run.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_online_run_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/run/test_feedback tests/train/run/test_feedback_runs
tests_train_run_test_feedback_runs_SOURCES = tests/train/run/test_feedback_runs.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_feedback_runs_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_feedback_SOURCES = tests/train/run/test_feedback.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_feedback_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/run/test_run
tests_train_run_test_run_SOURCES = tests/train/run/test_run.c tests/train/whole.c tests/train/whole.h tests/train/fixture.c \
	tests/train/fixture.h
tests_train_run_test_run_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/learn/test_ranks
tests_train_learn_test_ranks_SOURCES = tests/train/learn/test_ranks.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_ranks_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/learn/test_tokens
tests_train_learn_test_tokens_SOURCES = tests/train/learn/test_tokens.c tests/train/fixture.c tests/train/fixture.h
tests_train_learn_test_tokens_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/run/test_memory_plan
tests_train_run_test_memory_plan_SOURCES = tests/train/run/test_memory_plan.c tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_memory_plan_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/engine/test_eval
tests_train_engine_test_eval_SOURCES = tests/train/engine/test_eval.c tests/train/fixture.c tests/train/fixture.h
tests_train_engine_test_eval_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/engine/test_credit
tests_train_engine_test_credit_SOURCES = tests/train/engine/test_credit.c tests/train/fixture.c tests/train/fixture.h
tests_train_engine_test_credit_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/run/test_live tests/train/run/test_load tests/train/run/test_probe tests/train/run/test_resume
tests_train_run_test_resume_SOURCES = tests/train/run/test_resume.c tests/train/fixture.c tests/train/fixture.h \
	tests/lib/disk_trace.h
tests_train_run_test_resume_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_probe_SOURCES = tests/train/run/test_probe.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_probe_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_live_SOURCES = tests/train/run/test_live.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_live_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_load_SOURCES = tests/train/run/test_load.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_load_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/run/test_fork
tests_train_run_test_fork_SOURCES = tests/train/run/test_fork.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_fork_LDADD = $(TRAIN_LIBS) $(LAUNCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/run/test_adapter
tests_train_run_test_adapter_SOURCES = tests/train/run/test_adapter.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_adapter_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/train/run/test_quantized_run
tests_train_run_test_quantized_run_SOURCES = tests/train/run/test_quantized_run.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_quantized_run_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/train/run/test_recipe tests/train/run/test_sweep
tests_train_run_test_sweep_SOURCES = tests/train/run/test_sweep.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_sweep_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_recipe_SOURCES = tests/train/run/test_recipe.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_recipe_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/train/run/test_best tests/train/run/test_best_runs tests/train/run/test_stages tests/train/run/test_paft
tests_train_run_test_best_SOURCES = tests/train/run/test_best.c tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_best_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_best_runs_SOURCES = tests/train/run/test_best_runs.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_best_runs_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_stages_SOURCES = tests/train/run/test_stages.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_stages_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
tests_train_run_test_paft_SOURCES = tests/train/run/test_paft.c tests/train/whole.c tests/train/whole.h \
	tests/train/fixture.c tests/train/fixture.h
tests_train_run_test_paft_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += tests/golden/objectives/README.md tests/golden/objectives/common.py \
	tests/golden/objectives/batches.json tests/golden/objectives/batches.py \
	tests/golden/objectives/head.json tests/golden/objectives/head.py \
	tests/golden/objectives/lists.json tests/golden/objectives/lists.py \
	tests/golden/objectives/binary.json tests/golden/objectives/binary.py \
	tests/golden/objectives/online.json tests/golden/objectives/online.py \
	tests/golden/objectives/pairs.json tests/golden/objectives/pairs.py \
	tests/golden/objectives/rewards.json tests/golden/objectives/rewards.py \
	tests/golden/objectives/stages.json tests/golden/objectives/stages.py \
	tests/golden/objectives/trl_online.json tests/golden/objectives/trl_online.py \
	tests/golden/optimizer/adamw.json tests/golden/optimizer/adamw.py
