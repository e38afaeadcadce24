# libui.a: the console. Only screen_curses.c includes ncurses; nothing here knows of models or training.
noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
	%D%/canvas.c %D%/canvas.h \
	%D%/canvas_text.c \
	%D%/chrome.c \
	%D%/commands.c %D%/commands.h \
	%D%/course.c %D%/course.h \
	%D%/dispatch.c \
	%D%/health.c %D%/health.h \
	%D%/heat.c %D%/heat.h \
	%D%/jobs.c \
	%D%/keys.c %D%/keys.h \
	%D%/line_edit.c %D%/line_edit.h \
	%D%/loop.c \
	%D%/pages.c \
	%D%/prompt.c \
	%D%/recipe_jobs.c \
	%D%/run_columns.c %D%/run_columns.h \
	%D%/run_control.c \
	%D%/run_list.c %D%/run_list.h \
	%D%/run_text.c %D%/run_text.h \
	%D%/screen.h %D%/screen_curses.c \
	%D%/script.c \
	%D%/ui.c %D%/ui.h %D%/ui_internal.h \
	%D%/ui_state.c \
	%D%/view.h \
	%D%/eval_jobs.c \
	%D%/export_jobs.c \
	%D%/export_kinds.c %D%/export_kinds.h \
	%D%/eval_table.c %D%/eval_table.h \
	%D%/form.c %D%/form.h \
	%D%/form_memory.c %D%/form_memory.h \
	%D%/launch_draw.c %D%/launch_draw.h \
	%D%/objective_menu.c %D%/objective_menu.h \
	%D%/path_complete.c %D%/path_complete.h \
	%D%/view_evals.c \
	%D%/view_help.c \
	%D%/view_launch.c \
	%D%/view_log.c \
	%D%/view_recipes.c \
	%D%/view_runs.c \
	%D%/view_samples.c
UI_LIBS = libui.a $(CAIRO_LIBS)

# The charts. Only curves, charts and run_cache know of runs; the rest is pure.
libui_a_SOURCES += \
	%D%/axis.c %D%/axis.h \
	%D%/charts.c %D%/charts.h \
	%D%/curves.c %D%/curves.h \
	%D%/curves_draw.c \
	%D%/curves_picture.c %D%/curves_picture.h \
	%D%/painter.h %D%/painter_png.c %D%/painter_svg.c \
	%D%/palette.c %D%/palette.h \
	%D%/picture.c %D%/picture.h \
	%D%/plot.c %D%/plot.h \
	%D%/pyramid.c %D%/pyramid.h \
	%D%/raster.c %D%/raster.h \
	%D%/run_cache.c %D%/run_cache.h \
	%D%/series.c %D%/series.h \
	%D%/smooth.c %D%/smooth.h \
	%D%/steps.c %D%/steps.h \
	%D%/trace.c %D%/trace.h \
	%D%/view_curves.c \
	%D%/x_map.c %D%/x_map.h

EXTRA_DIST += tests/golden/plot.svg tests/golden/chart-ascii.txt tests/golden/chart-block.txt tests/golden/chart-braille.txt
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_health tests/unit/test_series tests/unit/test_plot tests/unit/test_curves
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
.PHONY: bench-plot

if HAVE_CMOCKA
if HAVE_VTERM
check_PROGRAMS += tests/ui/test_bars tests/ui/test_console
tests_ui_test_bars_SOURCES = tests/ui/test_bars.c $(UI_RIG)
tests_ui_test_bars_LDADD = $(UI_RIG_LIBS)
tests_ui_test_bars_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
UI_RIG = tests/ui/fixture.c tests/ui/fixture.h tests/ui/rig.c tests/ui/rig.h
UI_RIG_LIBS = $(STORE_LIBS) $(CMOCKA_LIBS) $(VTERM_LIBS) -lutil
tests_ui_test_console_SOURCES = tests/ui/test_console.c $(UI_RIG)
tests_ui_test_console_LDADD = $(UI_RIG_LIBS)
tests_ui_test_console_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_curves_page
tests_ui_test_curves_page_SOURCES = tests/ui/test_curves_page.c $(UI_RIG)
tests_ui_test_curves_page_LDADD = $(UI_RIG_LIBS)
tests_ui_test_curves_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
check_PROGRAMS += tests/ui/test_evals_page
tests_ui_test_evals_page_SOURCES = tests/ui/test_evals_page.c $(UI_RIG)
tests_ui_test_evals_page_LDADD = $(UI_RIG_LIBS)
tests_ui_test_evals_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
endif
endif
EXTRA_DIST += tests/ui/screens

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_console_parts tests/unit/test_eval_table tests/unit/test_form
tests_unit_test_eval_table_SOURCES = tests/unit/test_eval_table.c
tests_unit_test_eval_table_LDADD = $(UI_LIBS) $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_console_parts_SOURCES = tests/unit/test_console_parts.c
tests_unit_test_console_parts_LDADD = $(UI_LIBS) libexport.a $(LAUNCH_LIBS) $(NCURSES_LIBS) $(CMOCKA_LIBS)
tests_unit_test_form_SOURCES = tests/unit/test_form.c
tests_unit_test_form_LDADD = $(UI_LIBS) libexport.a libcorpus.a $(LAUNCH_LIBS) $(NCURSES_LIBS) $(CMOCKA_LIBS)
endif
