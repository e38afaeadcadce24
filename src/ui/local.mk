# libui.a: the console. Only screen_curses.c includes ncurses; nothing here knows of models or training.
noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
	%D%/canvas.c %D%/canvas.h \
	%D%/canvas_text.c \
	%D%/chrome.c \
	%D%/clipboard.c %D%/clipboard.h \
	%D%/commands.c %D%/commands.h \
	%D%/course.c %D%/course.h \
	%D%/describe_job.c \
	%D%/dispatch.c \
	%D%/health.c %D%/health.h \
	%D%/heat.c %D%/heat.h \
	%D%/jobs.c \
	%D%/judge_report.c %D%/judge_report.h \
	%D%/win_by.c %D%/win_by.h \
	%D%/win_report.c %D%/win_report.h \
	%D%/kept.c %D%/kept.h \
	%D%/key_file.c %D%/key_file.h \
	%D%/keys.c %D%/keys.h \
	%D%/editor.c \
	%D%/label_desk.c %D%/label_desk.h \
	%D%/label_draft.c \
	%D%/label_ask.c \
	%D%/label_edit.c \
	%D%/label_filter.c \
	%D%/label_panes.c \
	%D%/label_room.c \
	%D%/label_draw.c %D%/label_view.h \
	%D%/label_export.c %D%/label_export.h \
	%D%/label_fit.c \
	%D%/label_list.c \
	%D%/label_many.c \
	%D%/label_queue.c %D%/label_queue.h \
	%D%/label_read.c \
	%D%/label_reserve.c \
	%D%/label_room.h \
	%D%/label_show.c \
	%D%/label_source.c %D%/label_source.h \
	%D%/label_tally.c %D%/label_tally.h \
	%D%/label_undo.c \
	%D%/label_write.c \
	%D%/line_edit.c %D%/line_edit.h \
	%D%/compare.c %D%/compare.h \
	%D%/compare_ask.c %D%/compare_ask.h \
	%D%/compare_choose.c %D%/compare_page.h \
	%D%/compare_draw.c \
	%D%/compare_jobs.c \
	%D%/compare_keep.c \
	%D%/compare_leak.c \
	%D%/compare_order.c %D%/compare_scores.c \
	%D%/compare_turns.c \
	%D%/compare_go_on.c \
	%D%/compare_lists.c %D%/compare_lists.h \
	%D%/compare_model.c \
	%D%/compare_prompts.c \
	%D%/compare_samples.c \
	%D%/compare_sides.c \
	%D%/compare_settings.c %D%/compare_settings.h \
	%D%/compare_vote.c \
	%D%/compare_write.c \
	%D%/link.c %D%/link.h \
	%D%/look.c \
	%D%/loop.c \
	%D%/machine.c %D%/machine.h \
	%D%/machine_job.c \
	%D%/mouse.c \
	%D%/offers.c \
	%D%/models.c \
	%D%/pages.c \
	%D%/palette.c %D%/palette.h \
	%D%/prompt.c \
	%D%/read_only.c \
	%D%/state_files.c %D%/state_files.h \
	%D%/alert_call.c %D%/alert_call.h \
	%D%/lines.c %D%/lines_label.c %D%/lines_label.h %D%/lines_talk.c %D%/lines_talk.h \
	%D%/recipe_jobs.c \
	%D%/run_columns.c %D%/run_columns.h \
	%D%/run_control.c \
	%D%/run_list.c %D%/run_list.h \
	%D%/run_edit.c \
	%D%/run_fields.c %D%/run_fields.h \
	%D%/run_text.c %D%/run_text.h \
	%D%/run_wants.c %D%/run_wants.h \
	%D%/runs_chooser.c %D%/runs_chooser.h \
	%D%/runs_draw.c %D%/runs_draw.h \
	%D%/runs_table.c %D%/runs_table.h \
	%D%/screen.h %D%/screen_curses.c \
	%D%/script.c \
	%D%/text_pane.c %D%/text_pane.h \
	%D%/session.c %D%/session.h \
	%D%/terminal.c %D%/terminal.h \
	%D%/ui.c %D%/ui.h %D%/ui_internal.h \
	%D%/ui_state.c \
	%D%/view.h \
	%D%/words.c %D%/words.h \
	%D%/data_draw.c %D%/data_draw.h \
	%D%/data_jobs.c \
	%D%/data_set.c %D%/data_set.h \
	%D%/data_summary_draw.c \
	%D%/eval_jobs.c \
	%D%/fork_jobs.c \
	%D%/kept.c \
	%D%/export_jobs.c \
	%D%/export_kinds.c %D%/export_kinds.h \
	%D%/eval_table.c %D%/eval_table.h \
	%D%/find.c \
	%D%/form.c %D%/form.h \
	%D%/form_memory.c %D%/form_memory.h \
	%D%/launch_draw.c %D%/launch_draw.h \
	%D%/launch_session.c \
	%D%/view_compare.c \
	%D%/launch_edit.c %D%/launch_edit.h \
	%D%/launch_jobs.c \
	%D%/launch_plan.c %D%/launch_plan.h \
	%D%/launch_preset.c %D%/launch_preset.h \
	%D%/objective_menu.c %D%/objective_menu.h \
	%D%/path_complete.c %D%/path_complete.h \
	%D%/view_data.c \
	%D%/view_evals.c \
	%D%/view_help.c \
	%D%/view_label.c \
	%D%/view_launch.c \
	%D%/view_log.c \
	%D%/view_recipes.c \
	%D%/view_runs.c \
	%D%/view_samples.c
UI_LIBS = libui.a $(CAIRO_LIBS)

# The charts. Only curves, charts and run_cache know of runs; the rest is pure.
libui_a_SOURCES += \
	%D%/axis.c %D%/axis.h \
	%D%/blend.c %D%/blend.h \
	%D%/charts.c %D%/charts.h \
	%D%/curves.c %D%/curves.h \
	%D%/curves_align.c \
	%D%/curves_ask.c \
	%D%/curves_compare.c %D%/curves_compare.h \
	%D%/curves_draw.c \
	%D%/curves_keep.c \
	%D%/curves_lines.c \
	%D%/curves_measured.c \
	%D%/curves_mouse.c %D%/curves_mouse.h \
	%D%/curves_settings.c %D%/curves_settings.h \
	%D%/curves_summary.c %D%/curves_summary.h \
	%D%/curves_tables.c \
	%D%/layouts.c %D%/layouts.h \
	%D%/curves_x.c %D%/curves_x.h \
	%D%/curves_picture.c %D%/curves_picture.h \
	%D%/painter.h %D%/painter_png.c %D%/painter_svg.c \
	%D%/picture.c %D%/picture.h \
	%D%/view_file.c \
	%D%/pictures.c %D%/plot_pictures.c %D%/plot_pictures.h %D%/sixel.c %D%/sixel.h %D%/kitty.c %D%/kitty.h \
	%D%/plot.c %D%/plot.h \
	%D%/pyramid.c %D%/pyramid.h \
	%D%/range_stats.c %D%/range_stats.h \
	%D%/raster.c %D%/raster.h \
	%D%/run_cache.c %D%/run_cache.h \
	%D%/series.c %D%/series.h \
	%D%/smooth.c %D%/smooth.h \
	%D%/smooth_window.c %D%/smooth_window.h \
	%D%/steps.c %D%/steps.h \
	%D%/trace.c %D%/trace.h \
	%D%/view_curves.c \
	%D%/x_map.c %D%/x_map.h

EXTRA_DIST += tests/golden/plot.svg tests/golden/chart-compare.txt tests/golden/chart-ascii.txt tests/golden/chart-block.txt tests/golden/chart-braille.txt
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_health tests/unit/test_series tests/unit/test_plot tests/unit/test_curves
check_PROGRAMS += tests/unit/test_curves_lines
tests_unit_test_curves_lines_SOURCES = tests/unit/test_curves_lines.c tests/lib/testing.h
tests_unit_test_curves_lines_LDADD = $(UI_LIBS) $(STORE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_blend
tests_unit_test_blend_SOURCES = tests/unit/test_blend.c tests/lib/testing.h
tests_unit_test_blend_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_text_pane tests/unit/test_label_desk tests/unit/test_label_export
tests_unit_test_label_export_SOURCES = tests/unit/test_label_export.c tests/lib/testing.h
tests_unit_test_label_export_LDADD = $(UI_LIBS) libstats.a $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_label_desk_SOURCES = tests/unit/test_label_desk.c tests/lib/testing.h tests/lib/desk.h
check_PROGRAMS += tests/unit/test_label_many
tests_unit_test_label_many_SOURCES = tests/unit/test_label_many.c tests/lib/testing.h tests/lib/desk.h
tests_unit_test_label_many_LDADD = $(UI_LIBS) libstats.a libcorpus.a $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_label_desk_LDADD = $(UI_LIBS) libstats.a libcorpus.a $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_text_pane_SOURCES = tests/unit/test_text_pane.c tests/lib/testing.h
tests_unit_test_text_pane_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_health_SOURCES = tests/unit/test_health.c tests/lib/testing.h
tests_unit_test_health_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_curves_SOURCES = tests/unit/test_curves.c tests/lib/testing.h
tests_unit_test_curves_LDADD = $(UI_LIBS) $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_series_SOURCES = tests/unit/test_series.c tests/lib/testing.h
tests_unit_test_series_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_picture
tests_unit_test_picture_SOURCES = tests/unit/test_picture.c tests/lib/testing.h
tests_unit_test_picture_LDADD = libui.a $(STORE_LIBS) $(CAIRO_LIBS) $(CMOCKA_LIBS)
tests_unit_test_plot_SOURCES = tests/unit/test_plot.c tests/lib/testing.h
tests_unit_test_plot_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_PROGRAMS += tests/bench/bench_plot tests/tools/fake_run
tests_tools_fake_run_SOURCES = tests/tools/fake_run.c
tests_tools_fake_run_LDADD = $(STORE_LIBS)
tests_bench_bench_plot_SOURCES = tests/bench/bench_plot.c
tests_bench_bench_plot_LDADD = $(UI_LIBS) $(BASE_LIBS)
CLEANFILES += tests/bench/bench_plot tests/tools/fake_run
bench-plot: tests/bench/bench_plot
	./tests/bench/bench_plot
.PHONY: bench-plot bench-ui

if HAVE_CMOCKA
if HAVE_VTERM
# The console's bars as they are stated, some minutes: the table of docs/benchmarks.md.
EXTRA_PROGRAMS += tests/bench/bench_ui
tests_bench_bench_ui_SOURCES = tests/bench/bench_ui.c $(UI_RIG)
tests_bench_bench_ui_LDADD = $(UI_RIG_LIBS)
tests_bench_bench_ui_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
CLEANFILES += tests/bench/bench_ui
bench-ui: attune tests/bench/bench_ui tests/bench/bench_plot
	ATTUNE_SRCDIR='$(abs_srcdir)' ATTUNE_BUILDDIR='$(abs_builddir)' ./tests/bench/bench_ui
	./tests/bench/bench_plot
check_PROGRAMS += tests/ui/test_bars tests/ui/test_console
tests_ui_test_bars_SOURCES = tests/ui/test_bars.c $(UI_RIG)
tests_ui_test_bars_LDADD = $(UI_RIG_LIBS)
tests_ui_test_bars_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
UI_RIG = tests/ui/fixture.c tests/ui/fixture.h tests/ui/rig.c tests/ui/rig.h
UI_RIG_LIBS = $(STORE_LIBS) $(CMOCKA_LIBS) $(VTERM_LIBS) -lutil
tests_ui_test_console_SOURCES = tests/ui/test_console.c $(UI_RIG)
tests_ui_test_console_LDADD = $(UI_RIG_LIBS)
tests_ui_test_console_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_data_page
tests_ui_test_data_page_SOURCES = tests/ui/test_data_page.c $(UI_RIG)
tests_ui_test_data_page_LDADD = libcorpus.a $(UI_RIG_LIBS)
tests_ui_test_data_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_curves_page
tests_ui_test_curves_page_SOURCES = tests/ui/test_curves_page.c $(UI_RIG)
tests_ui_test_curves_page_LDADD = $(UI_RIG_LIBS)
tests_ui_test_curves_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_many_runs
tests_ui_test_many_runs_SOURCES = tests/ui/test_many_runs.c $(UI_RIG)
tests_ui_test_many_runs_LDADD = $(UI_RIG_LIBS)
tests_ui_test_many_runs_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_runs_page
tests_ui_test_runs_page_SOURCES = tests/ui/test_runs_page.c $(UI_RIG)
tests_ui_test_runs_page_LDADD = $(UI_RIG_LIBS)
tests_ui_test_runs_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_label_work
tests_ui_test_label_work_SOURCES = tests/ui/test_label_work.c tests/ui/label_page.h $(UI_RIG)
tests_ui_test_label_work_LDADD = $(UI_RIG_LIBS)
tests_ui_test_label_work_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_label_page
tests_ui_test_label_page_SOURCES = tests/ui/test_label_page.c tests/ui/label_page.h $(UI_RIG)
tests_ui_test_label_page_LDADD = $(UI_RIG_LIBS)
tests_ui_test_label_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_random_input
tests_ui_test_random_input_SOURCES = tests/ui/test_random_input.c $(UI_RIG)
tests_ui_test_random_input_LDADD = $(UI_RIG_LIBS)
tests_ui_test_random_input_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_pictures tests/ui/test_views
tests_ui_test_views_SOURCES = tests/ui/test_views.c $(UI_RIG)
tests_ui_test_views_LDADD = $(UI_RIG_LIBS)
tests_ui_test_views_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_ui_test_pictures_SOURCES = tests/ui/test_pictures.c $(UI_RIG)
tests_ui_test_pictures_LDADD = $(UI_RIG_LIBS)
tests_ui_test_pictures_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests

check_PROGRAMS += tests/ui/test_access
tests_ui_test_access_SOURCES = tests/ui/test_access.c $(UI_RIG)
tests_ui_test_access_LDADD = $(UI_RIG_LIBS)
tests_ui_test_access_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_palette tests/ui/test_session tests/ui/test_terminals
tests_ui_test_terminals_SOURCES = tests/ui/test_terminals.c $(UI_RIG)
tests_ui_test_terminals_LDADD = $(UI_RIG_LIBS)
tests_ui_test_terminals_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_ui_test_palette_SOURCES = tests/ui/test_palette.c $(UI_RIG)
tests_ui_test_palette_LDADD = $(UI_RIG_LIBS)
tests_ui_test_palette_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_ui_test_session_SOURCES = tests/ui/test_session.c $(UI_RIG)
tests_ui_test_session_LDADD = $(UI_RIG_LIBS)
tests_ui_test_session_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/unit/test_compare
tests_unit_test_compare_SOURCES = tests/unit/test_compare.c
tests_unit_test_compare_LDADD = $(UI_LIBS) libstats.a libdemo.a libcorpus.a $(LAUNCH_LIBS) $(NCURSES_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/ui/test_compare_page
tests_ui_test_compare_page_SOURCES = tests/ui/test_compare_page.c tests/ui/rig.c tests/ui/rig.h
tests_ui_test_compare_page_LDADD = libcorpus.a $(LAUNCH_LIBS) $(CMOCKA_LIBS) $(VTERM_LIBS) -lutil
tests_ui_test_compare_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_evals_page
tests_ui_test_evals_page_SOURCES = tests/ui/test_evals_page.c $(UI_RIG)
tests_ui_test_evals_page_LDADD = $(UI_RIG_LIBS)
tests_ui_test_evals_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
endif
endif
EXTRA_DIST += tests/ui/screens tests/ui/proc

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_judged
tests_unit_test_judged_SOURCES = tests/unit/test_judged.c
tests_unit_test_judged_LDADD = libui.a libstats.a $(STORE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_runs_table
tests_unit_test_runs_table_SOURCES = tests/unit/test_runs_table.c
tests_unit_test_runs_table_LDADD = $(UI_LIBS) $(STORE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_pixels
tests_unit_test_pixels_SOURCES = tests/unit/test_pixels.c
tests_unit_test_pixels_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_palette_sets tests/unit/test_terminal_parts
tests_unit_test_palette_sets_SOURCES = tests/unit/test_palette_sets.c
tests_unit_test_palette_sets_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_terminal_parts_SOURCES = tests/unit/test_terminal_parts.c
tests_unit_test_terminal_parts_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_terminal_parts_DEPENDENCIES = $(UI_LIBS) libbase.a tests/unit/fake_nvml.so
tests/unit/fake_nvml.so: tests/unit/fake_nvml.c
	$(AM_V_CC)$(MKDIR_P) tests/unit && $(CC) -shared -fPIC -o $@ $(srcdir)/tests/unit/fake_nvml.c
EXTRA_DIST += tests/unit/fake_nvml.c
CLEANFILES += tests/unit/fake_nvml.so
check_PROGRAMS += tests/unit/test_console_parts tests/unit/test_data_set tests/unit/test_eval_table tests/unit/test_form
tests_unit_test_data_set_SOURCES = tests/unit/test_data_set.c tests/lib/testing.h
tests_unit_test_data_set_LDADD = $(UI_LIBS) libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_eval_table_SOURCES = tests/unit/test_eval_table.c
tests_unit_test_eval_table_LDADD = $(UI_LIBS) $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_console_parts_SOURCES = tests/unit/test_console_parts.c
tests_unit_test_console_parts_LDADD = $(UI_LIBS) libexport.a $(LAUNCH_LIBS) $(NCURSES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_form_SOURCES = tests/unit/test_form.c
tests_unit_test_form_LDADD = $(UI_LIBS) libexport.a libcorpus.a $(LAUNCH_LIBS) $(NCURSES_LIBS) $(CMOCKA_LIBS)
endif
