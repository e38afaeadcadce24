# libui.a: the console. Only screen_curses.c includes ncurses; nothing here knows of models or training.
noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
	%D%/canvas.c %D%/canvas.h \
	%D%/canvas_text.c \
	%D%/commands.h \
	%D%/keys.c %D%/keys.h \
	%D%/run_list.h \
	%D%/view.h
UI_LIBS = libui.a
