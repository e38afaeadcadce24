// THE TABLE of subcommands. A new one is a file cmd_NAME.c with one `const struct command`, and a row here.
#include "config.h"

#include "cli/command.h"

extern const struct command command_bench_objectives, command_chart, command_checkpoint, command_completion, command_credit, command_data_import, command_data_show,
    command_demo_corpus, command_demo_open, command_demo_pairs, command_demo_plane, command_demo_run, command_demo_style,
    command_demo_truth, command_describe, command_doctor, command_export, command_help, command_log, command_model_merge,
    command_model_show, command_objectives, command_objectives_eval, command_objectives_show, command_pause, command_recipe_list, command_recipe_run, command_recipe_show, command_remove, command_resume,
    command_runs,
    command_sample, command_set, command_show, command_stop, command_train;
<<<<<<< HEAD
extern const struct command command_eval, command_label, command_label_export, command_label_list, command_label_stats, command_label_undo, command_label_wins, command_model_agree,
    command_score;
=======
extern const struct command command_eval, command_label, command_label_export, command_label_list, command_label_undo, command_model_agree,
    command_fork, command_score;
>>>>>>> curves

// In the order of the help.
const struct command *const command_table[] = {
    &command_train,
    &command_recipe_list,
    &command_recipe_show,
    &command_recipe_run,
    &command_runs,
    &command_show,
    &command_chart,
    &command_log,
    &command_set,
    &command_pause,
    &command_resume,
    &command_fork,
    &command_stop,
    &command_checkpoint,
    &command_remove,
    &command_sample,
    &command_score,
    &command_eval,
    &command_credit,
    &command_export,
    &command_label,
    &command_label_list,
    &command_label_undo,
    &command_label_export,
    &command_label_stats,
    &command_label_wins,
    &command_model_show,
    &command_model_merge,
    &command_model_agree,
    &command_data_import,
    &command_data_show,
    &command_objectives,
    &command_objectives_show,
    &command_objectives_eval,
    &command_bench_objectives,
    &command_demo_open,
    &command_demo_run,
    &command_demo_corpus,
    &command_demo_pairs,
    &command_demo_plane,
    &command_demo_style,
    &command_demo_truth,
    &command_describe,
    &command_doctor,
    &command_completion,
    &command_help,
    NULL,
};
