# The program `attune`: the commands and, without one, the console.
bin_PROGRAMS += attune
attune_SOURCES = %D%/main.c
attune_LDADD = libcli.a $(UI_LIBS) libstats.a libexport.a libdemo.a libcorpus.a libtext.a $(PCRE2_LIBS) $(LAUNCH_LIBS) $(NCURSES_LIBS)

# A library, so that the tests reach what is behind main().
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	%D%/cmd_archive.c \
	%D%/cmd_import.c \
	%D%/cmd_top.c \
	%D%/cmd_bench.c \
	%D%/cmd_chart.c \
	%D%/cmd_checkpoint.c \
	%D%/complete.c %D%/complete.h \
	%D%/cmd_compare.c \
	%D%/cmd_completion.c \
	%D%/cmd_credit.c \
	%D%/cmd_data.c \
	%D%/cmd_data_show.c \
	%D%/data_summary.c %D%/data_summary.h \
	%D%/cmd_demo.c \
	%D%/cmd_demo_plane.c \
	%D%/cmd_demo_run.c \
	%D%/cmd_describe.c \
	%D%/cmd_doctor.c \
	%D%/cmd_eval.c \
	%D%/cmd_export.c \
	%D%/cmd_fork.c \
	%D%/cmd_help.c \
	%D%/cmd_keys.c \
	%D%/cmd_label.c \
	%D%/cmd_label_list.c \
	%D%/cmd_label_stats.c \
	%D%/cmd_label_wins.c \
	%D%/cmd_log.c \
	%D%/cmd_model.c \
	%D%/cmd_model_agree.c \
	%D%/cmd_model_merge.c \
	%D%/edit.c %D%/edit.h \
	%D%/cmd_note.c \
	%D%/cmd_objectives.c \
	%D%/cmd_objectives_eval.c \
	%D%/cmd_pause.c \
	%D%/cmd_pin.c \
	%D%/cmd_preset.c \
	%D%/cmd_recipe.c \
	%D%/cmd_remove.c \
	%D%/cmd_rename.c \
	%D%/cmd_report.c \
	%D%/cmd_resume.c \
	%D%/cmd_runs.c \
	%D%/cmd_sample.c \
	%D%/cmd_score.c \
	%D%/cmd_set.c \
	%D%/cmd_show.c \
	%D%/cmd_stop.c \
	%D%/cmd_sweep.c \
	%D%/cmd_tag.c \
	%D%/cmd_train.c \
	%D%/cmd_undo.c \
	%D%/preset.c %D%/preset.h \
	%D%/args.c %D%/args.h \
	%D%/args_open.c \
	%D%/bench.h %D%/bench_measure.c %D%/bench_table.c \
	%D%/child_lines.c %D%/child_lines.h \
	%D%/command.c %D%/command.h \
	%D%/commands.c \
	%D%/eval_print.c %D%/eval_print.h \
	%D%/control.c %D%/control.h \
	%D%/export_data.c %D%/export_data.h \
	%D%/follow.c %D%/follow.h \
	%D%/foreign.c %D%/foreign.h \
	%D%/help.c %D%/help.h \
	%D%/look.c %D%/look.h \
	%D%/memory.c %D%/memory.h \
	%D%/objective_page.c \
	%D%/objective_text.c %D%/objective_text.h \
	%D%/print.c %D%/print.h \
	%D%/piped.c %D%/piped.h \
	%D%/plots.c %D%/plots.h \
	%D%/report.c %D%/report.h %D%/report_results.c %D%/report_sources.c %D%/report_text.c \
	%D%/show_plot.c %D%/show_plot.h \
	%D%/source.c %D%/source.h \
	%D%/start.c %D%/start.h

noinst_PROGRAMS += tests/lib/json_get
tests_lib_json_get_SOURCES = tests/lib/json_get.c
tests_lib_json_get_LDADD = $(JANSSON_LIBS)
dist_check_SCRIPTS += tests/e2e/bench.sh tests/e2e/best.sh tests/e2e/cases.sh tests/e2e/cli.sh tests/e2e/eval.sh tests/e2e/export.sh tests/e2e/feedback.sh tests/e2e/fork.sh tests/e2e/lines.sh tests/e2e/lines-pages.sh tests/e2e/manners.sh tests/e2e/label-stats.sh tests/e2e/label.sh tests/e2e/merge.sh tests/e2e/gpus.sh tests/e2e/no-gpu.sh tests/e2e/objectives.sh tests/e2e/paft.sh tests/e2e/recipe.sh tests/e2e/rewards.sh tests/e2e/serve.sh tests/e2e/sweep.sh tests/e2e/text-rules.sh tests/e2e/train.sh

# The man page is a frame by hand around what the tables say; completions ask the program.
EXTRA_DIST += share/attune/attune.1.in
man1_MANS += share/attune/attune.1
completionsdir = $(datadir)/bash-completion/completions
completions_DATA = share/attune/completions/attune
zshdir = $(datadir)/zsh/site-functions
zsh_DATA = share/attune/completions/_attune
fishdir = $(datadir)/fish/vendor_completions.d
fish_DATA = share/attune/completions/attune.fish
CLEANFILES += share/attune/attune.1 share/attune/commands.man $(completions_DATA) $(zsh_DATA) $(fish_DATA)
TABLE_PRINTER = ATTUNE_ENGINE=$(abs_builddir)/attune-engine$(EXEEXT) ./attune$(EXEEXT)

share/attune/attune.1: share/attune/attune.1.in $(bin_PROGRAMS)
	$(AM_V_GEN)$(MKDIR_P) share/attune && $(TABLE_PRINTER) help --man >share/attune/commands.man && \
	sed -e '/^@COMMANDS@$$/{r share/attune/commands.man' -e 'd;}' -e 's/@VERSION@/$(PACKAGE_VERSION)/' \
		-e 's/@DATE@/2026-11-22/' $(srcdir)/share/attune/attune.1.in >$@.tmp && mv $@.tmp $@
share/attune/completions/attune: $(bin_PROGRAMS)
	$(AM_V_GEN)$(MKDIR_P) share/attune/completions && $(TABLE_PRINTER) completion bash >$@.tmp && mv $@.tmp $@
share/attune/completions/_attune: $(bin_PROGRAMS)
	$(AM_V_GEN)$(MKDIR_P) share/attune/completions && $(TABLE_PRINTER) completion zsh >$@.tmp && mv $@.tmp $@
share/attune/completions/attune.fish: $(bin_PROGRAMS)
	$(AM_V_GEN)$(MKDIR_P) share/attune/completions && $(TABLE_PRINTER) completion fish >$@.tmp && mv $@.tmp $@


# The page is kept in the source tree, and tests/e2e/objectives.sh compares it with what the program prints.
EXTRA_DIST += docs/objectives.md
.PHONY: docs
docs: $(bin_PROGRAMS)
	$(AM_V_GEN)$(TABLE_PRINTER) objectives --markdown >docs.tmp && mv docs.tmp $(srcdir)/docs/objectives.md

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_cli
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c
tests_unit_test_cli_LDADD = $(attune_LDADD) $(CMOCKA_LIBS)

check_PROGRAMS += tests/train/engine/test_objective_eval
tests_train_engine_test_objective_eval_SOURCES = tests/train/engine/test_objective_eval.c
tests_train_engine_test_objective_eval_LDADD = $(LAUNCH_LIBS) $(CMOCKA_LIBS)
endif
