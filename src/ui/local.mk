# libui.a: the console. Only screen_curses.c includes ncurses; nothing here knows of models or training.
noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
	%D%/canvas.c %D%/canvas.h \
	%D%/canvas_text.c \
	%D%/chrome.c \
	%D%/commands.c %D%/commands.h \
	%D%/jobs.c \
	%D%/keys.c %D%/keys.h \
	%D%/line_edit.c %D%/line_edit.h \
	%D%/loop.c \
	%D%/prompt.c \
	%D%/run_control.c \
	%D%/run_list.c %D%/run_list.h \
	%D%/run_text.c %D%/run_text.h \
	%D%/screen.h %D%/screen_curses.c \
	%D%/script.c \
	%D%/ui.c %D%/ui.h %D%/ui_internal.h \
	%D%/view.h \
	%D%/view_runs.c
UI_LIBS = libui.a
