# libui.a: the console. Only screen_curses.c includes ncurses; nothing here knows of models or training.
noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
	%D%/chrome.c \
	%D%/commands.c %D%/commands.h \
	%D%/dispatch.c \
	%D%/editor.c \
	%D%/find.c \
	%D%/jobs.c \
	%D%/kept.c %D%/kept.h \
	%D%/key_file.c %D%/key_file.h \
	%D%/lines.c \
	%D%/lines_offers.c %D%/lines_offers.h \
	%D%/lines_talk.c %D%/lines_talk.h \
	%D%/look.c \
	%D%/loop.c \
	%D%/machine.c %D%/machine.h \
	%D%/machine_job.c \
	%D%/mouse.c \
	%D%/offers.c \
	%D%/pages.c \
	%D%/pictures.c \
	%D%/prompt.c \
	%D%/read_only.c \
	%D%/script.c \
	%D%/session.c %D%/session.h \
	%D%/state_files.c %D%/state_files.h \
	%D%/teach.c \
	%D%/ui.c %D%/ui.h \
	%D%/ui_internal.h \
	%D%/ui_state.c \
	%D%/view.h \
	%D%/view_file.c \
	%D%/view_help.c \
	%D%/compare/compare.c %D%/compare/compare.h \
	%D%/compare/compare_ask.c %D%/compare/compare_ask.h \
	%D%/compare/compare_choose.c \
	%D%/compare/compare_draw.c \
	%D%/compare/compare_go_on.c \
	%D%/compare/compare_jobs.c \
	%D%/compare/compare_keep.c \
	%D%/compare/compare_leak.c \
	%D%/compare/compare_lists.c %D%/compare/compare_lists.h \
	%D%/compare/compare_model.c \
	%D%/compare/compare_next.c \
	%D%/compare/compare_order.c \
	%D%/compare/compare_page.h \
	%D%/compare/compare_prompts.c \
	%D%/compare/compare_samples.c \
	%D%/compare/compare_scores.c \
	%D%/compare/compare_settings.c %D%/compare/compare_settings.h \
	%D%/compare/compare_sides.c \
	%D%/compare/compare_tell.c \
	%D%/compare/compare_turns.c \
	%D%/compare/compare_vote.c \
	%D%/compare/compare_write.c \
	%D%/compare/models.c \
	%D%/compare/view_compare.c \
	%D%/compare/win_by.c %D%/compare/win_by.h \
	%D%/compare/win_report.c %D%/compare/win_report.h \
	%D%/compare/win_table.c \
	%D%/compare/win_words.c %D%/compare/win_words.h \
	%D%/curves/charts.c %D%/curves/charts.h \
	%D%/curves/curves.c %D%/curves/curves.h \
	%D%/curves/curves_align.c \
	%D%/curves/curves_ask.c \
	%D%/curves/curves_compare.c %D%/curves/curves_compare.h \
	%D%/curves/curves_draw.c \
	%D%/curves/curves_keep.c \
	%D%/curves/curves_lines.c \
	%D%/curves/curves_measured.c \
	%D%/curves/curves_mouse.c %D%/curves/curves_mouse.h \
	%D%/curves/curves_picture.c %D%/curves/curves_picture.h \
	%D%/curves/curves_settings.c %D%/curves/curves_settings.h \
	%D%/curves/curves_summary.c %D%/curves/curves_summary.h \
	%D%/curves/curves_tables.c \
	%D%/curves/curves_wide.c %D%/curves/curves_wide.h \
	%D%/curves/curves_x.c %D%/curves/curves_x.h \
	%D%/curves/export_jobs.c \
	%D%/curves/export_kinds.c %D%/curves/export_kinds.h \
	%D%/curves/layouts.c %D%/curves/layouts.h \
	%D%/curves/summary_picture.c %D%/curves/summary_picture.h \
	%D%/curves/summary_value.c %D%/curves/summary_value.h \
	%D%/curves/view_curves.c \
	%D%/data/data_draw.c %D%/data/data_draw.h \
	%D%/data/data_jobs.c \
	%D%/data/data_set.c %D%/data/data_set.h \
	%D%/data/data_summary_draw.c \
	%D%/data/data_tell.c \
	%D%/data/describe_job.c \
	%D%/data/view_data.c \
	%D%/label/judge_report.c %D%/label/judge_report.h \
	%D%/label/label_ask.c \
	%D%/label/label_desk.c %D%/label/label_desk.h \
	%D%/label/label_draft.c \
	%D%/label/label_draw.c \
	%D%/label/label_edit.c \
	%D%/label/label_export.c %D%/label/label_export.h \
	%D%/label/label_filter.c \
	%D%/label/label_fit.c \
	%D%/label/label_list.c \
	%D%/label/label_many.c \
	%D%/label/label_panes.c \
	%D%/label/label_queue.c %D%/label/label_queue.h \
	%D%/label/label_read.c \
	%D%/label/label_reserve.c \
	%D%/label/label_room.c %D%/label/label_room.h \
	%D%/label/label_show.c \
	%D%/label/label_source.c %D%/label/label_source.h \
	%D%/label/label_tally.c %D%/label/label_tally.h \
	%D%/label/label_undo.c \
	%D%/label/label_view.h \
	%D%/label/label_write.c \
	%D%/label/lines_label.c %D%/label/lines_label.h \
	%D%/label/view_label.c \
	%D%/launch/form.c %D%/launch/form.h \
	%D%/launch/form_memory.c %D%/launch/form_memory.h \
	%D%/launch/launch_draw.c %D%/launch/launch_draw.h \
	%D%/launch/launch_edit.c %D%/launch/launch_edit.h \
	%D%/launch/launch_find.c %D%/launch/launch_find.h \
	%D%/launch/launch_jobs.c \
	%D%/launch/launch_plan.c %D%/launch/launch_plan.h \
	%D%/launch/launch_preset.c %D%/launch/launch_preset.h \
	%D%/launch/launch_session.c \
	%D%/launch/launch_tell.c \
	%D%/launch/objective_menu.c %D%/launch/objective_menu.h \
	%D%/launch/path_complete.c %D%/launch/path_complete.h \
	%D%/launch/recipe_jobs.c \
	%D%/launch/view_launch.c \
	%D%/launch/view_recipes.c \
	%D%/plot/axis.c %D%/plot/axis.h \
	%D%/plot/painter.h \
	%D%/plot/painter_png.c \
	%D%/plot/painter_svg.c \
	%D%/plot/picture.c %D%/plot/picture.h \
	%D%/plot/plot.c %D%/plot/plot.h \
	%D%/plot/plot_pictures.c %D%/plot/plot_pictures.h \
	%D%/plot/raster.c %D%/plot/raster.h \
	%D%/plot/trace.c %D%/plot/trace.h \
	%D%/runs/alert_call.c %D%/runs/alert_call.h \
	%D%/runs/eval_jobs.c \
	%D%/runs/eval_table.c %D%/runs/eval_table.h \
	%D%/runs/evals_tell.c %D%/runs/evals.h \
	%D%/runs/fork_jobs.c \
	%D%/runs/health.c %D%/runs/health.h \
	%D%/runs/heat.c %D%/runs/heat.h \
	%D%/runs/run_cache.c %D%/runs/run_cache.h \
	%D%/runs/run_columns.c %D%/runs/run_columns.h \
	%D%/runs/run_control.c \
	%D%/runs/run_edit.c \
	%D%/runs/run_fields.c %D%/runs/run_fields.h \
	%D%/runs/run_list.c %D%/runs/run_list.h \
	%D%/runs/run_text.c %D%/runs/run_text.h \
	%D%/runs/run_wants.c %D%/runs/run_wants.h \
	%D%/runs/runs_chooser.c %D%/runs/runs_chooser.h \
	%D%/runs/runs_draw.c %D%/runs/runs_draw.h \
	%D%/runs/runs_table.c %D%/runs/runs_table.h \
	%D%/runs/view_evals.c \
	%D%/runs/view_log.c \
	%D%/runs/view_runs.c \
	%D%/runs/view_samples.c \
	%D%/series/blend.c %D%/series/blend.h \
	%D%/series/course.c %D%/series/course.h \
	%D%/series/pyramid.c %D%/series/pyramid.h \
	%D%/series/range_stats.c %D%/series/range_stats.h \
	%D%/series/series.c %D%/series/series.h \
	%D%/series/smooth.c %D%/series/smooth.h \
	%D%/series/smooth_lanes.c %D%/series/smooth_lanes.h %D%/series/smooth_lanes_impl.h \
	%D%/series/smooth_window.c %D%/series/smooth_window.h \
	%D%/series/steps.c %D%/series/steps.h \
	%D%/series/x_map.c %D%/series/x_map.h \
	%D%/term/canvas.c %D%/term/canvas.h \
	%D%/term/canvas_text.c \
	%D%/term/clipboard.c %D%/term/clipboard.h \
	%D%/term/frame.c %D%/term/frame.h \
	%D%/term/keys.c %D%/term/keys.h \
	%D%/term/kitty.c %D%/term/kitty.h \
	%D%/term/line_edit.c %D%/term/line_edit.h \
	%D%/term/link.c %D%/term/link.h \
	%D%/term/palette.c %D%/term/palette.h \
	%D%/term/screen.h \
	%D%/term/screen_curses.c \
	%D%/term/sgr.c %D%/term/sgr.h \
	%D%/term/sixel.c %D%/term/sixel.h \
	%D%/term/terminal.c %D%/term/terminal.h \
	%D%/term/text_pane.c %D%/term/text_pane.h \
	%D%/term/words.c %D%/term/words.h
libui_a_LIBADD =
libui_a_DEPENDENCIES = $(libui_a_LIBADD)
if X86_LEVELS
noinst_LIBRARIES += libui_avx2.a
libui_avx2_a_SOURCES = %D%/series/smooth_lanes_avx2.c
libui_avx2_a_CFLAGS = $(AM_CFLAGS) -mavx2
libui_a_LIBADD += $(libui_avx2_a_OBJECTS)
endif
UI_LIBS = libui.a $(CAIRO_LIBS)

EXTRA_DIST += tests/golden/plot.svg tests/golden/chart-compare.txt tests/golden/chart-ascii.txt tests/golden/chart-block.txt tests/golden/chart-braille.txt
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_health tests/unit/test_series tests/unit/test_axis tests/unit/test_plot tests/unit/test_curves
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
tests_unit_test_axis_SOURCES = tests/unit/test_axis.c tests/lib/random_limit.h tests/lib/testing.h
tests_unit_test_axis_LDADD = $(UI_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_plot_SOURCES = tests/unit/test_plot.c tests/lib/random_limit.h tests/lib/testing.h
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
.PHONY: bench-plot bench-ui demo-cast

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
# A recorded demonstration; DEMO_CAST is the file.
DEMO_CAST = attune-demo.cast
EXTRA_PROGRAMS += tests/tools/demo_cast
tests_tools_demo_cast_SOURCES = tests/tools/demo_cast.c $(UI_RIG)
tests_tools_demo_cast_LDADD = $(UI_RIG_LIBS)
tests_tools_demo_cast_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
CLEANFILES += tests/tools/demo_cast attune-demo.cast
demo-cast: attune attune-engine tests/tools/demo_cast
	ATTUNE_SRCDIR='$(abs_srcdir)' ATTUNE_BUILDDIR='$(abs_builddir)' ./tests/tools/demo_cast '$(DEMO_CAST)'
check_PROGRAMS += tests/ui/test_bars tests/ui/test_console
tests_ui_test_bars_SOURCES = tests/ui/test_bars.c $(UI_RIG)
tests_ui_test_bars_LDADD = $(UI_RIG_LIBS)
tests_ui_test_bars_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
# What all of these share is compiled once.
UI_RIG = tests/ui/fixture.h tests/ui/rig.h tests/ui/side_by_side.h
check_LIBRARIES += libui-rig.a
libui_rig_a_SOURCES = tests/ui/fixture.c tests/ui/rig.c tests/ui/side_by_side.c $(UI_RIG)
libui_rig_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
UI_RIG_LIBS = libui-rig.a $(STORE_LIBS) $(CMOCKA_LIBS) $(VTERM_LIBS) -lutil
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
check_PROGRAMS += tests/ui/test_win_parts
tests_ui_test_win_parts_SOURCES = tests/ui/test_win_parts.c $(UI_RIG)
tests_ui_test_win_parts_LDADD = $(UI_RIG_LIBS)
tests_ui_test_win_parts_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
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
check_PROGRAMS += tests/ui/test_clock tests/ui/test_screens
tests_ui_test_clock_SOURCES = tests/ui/test_clock.c $(UI_RIG)
tests_ui_test_clock_LDADD = $(UI_RIG_LIBS)
tests_ui_test_clock_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
EXTRA_tests_ui_test_clock_DEPENDENCIES = tests/ui/fake_clock.so
tests/ui/fake_clock.so: tests/ui/fake_clock.c
	$(AM_V_CC)$(MKDIR_P) tests/ui && $(CC) -shared -fPIC -o $@ $(srcdir)/tests/ui/fake_clock.c
EXTRA_DIST += tests/ui/fake_clock.c
CLEANFILES += tests/ui/fake_clock.so
tests_ui_test_screens_SOURCES = tests/ui/test_screens.c $(UI_RIG)
tests_ui_test_screens_LDADD = $(UI_RIG_LIBS)
tests_ui_test_screens_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
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
check_PROGRAMS += tests/ui/test_slow_link tests/ui/test_first_use
check_PROGRAMS += tests/ui/test_leaving tests/ui/test_typed
tests_ui_test_typed_SOURCES = tests/ui/test_typed.c $(UI_RIG)
tests_ui_test_typed_LDADD = libui.a $(UI_RIG_LIBS)
tests_ui_test_typed_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_ui_test_leaving_SOURCES = tests/ui/test_leaving.c $(UI_RIG)
tests_ui_test_leaving_LDADD = $(UI_RIG_LIBS)
tests_ui_test_leaving_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
noinst_PROGRAMS += tests/tools/slow_link
tests_tools_slow_link_SOURCES = tests/tools/slow_link.c
tests_tools_slow_link_LDADD = $(BASE_LIBS) -lutil
tests_ui_test_slow_link_SOURCES = tests/ui/test_slow_link.c $(UI_RIG)
tests_ui_test_slow_link_LDADD = $(UI_RIG_LIBS)
tests_ui_test_slow_link_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_ui_test_first_use_SOURCES = tests/ui/test_first_use.c $(UI_RIG)
tests_ui_test_first_use_LDADD = $(UI_RIG_LIBS)
tests_ui_test_first_use_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/unit/test_compare
tests_unit_test_compare_SOURCES = tests/unit/test_compare.c
tests_unit_test_compare_LDADD = $(UI_LIBS) libstats.a libdemo.a libcorpus.a $(LAUNCH_LIBS) $(NCURSES_LIBS) $(CMOCKA_LIBS)
COMPARE_RIG = tests/ui/compare_page.c tests/ui/compare_page.h $(UI_RIG)
COMPARE_RIG_LIBS = libui-rig.a libcorpus.a $(LAUNCH_LIBS) $(CMOCKA_LIBS) $(VTERM_LIBS) -lutil
check_PROGRAMS += tests/ui/test_compare_page tests/ui/test_compare_streams tests/ui/test_compare_votes
tests_ui_test_compare_page_SOURCES = tests/ui/test_compare_page.c $(COMPARE_RIG)
tests_ui_test_compare_page_LDADD = $(COMPARE_RIG_LIBS)
tests_ui_test_compare_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_ui_test_compare_streams_SOURCES = tests/ui/test_compare_streams.c $(COMPARE_RIG)
tests_ui_test_compare_streams_LDADD = $(COMPARE_RIG_LIBS)
tests_ui_test_compare_streams_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_ui_test_compare_votes_SOURCES = tests/ui/test_compare_votes.c $(COMPARE_RIG)
tests_ui_test_compare_votes_LDADD = $(COMPARE_RIG_LIBS)
tests_ui_test_compare_votes_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
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
