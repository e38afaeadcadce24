// Which answers of a list make a diverse pair, and how rare their words are: all worked out by hand.
#include "config.h"

#include "testing.h"

#include <math.h>

#include "corpus/diversity.h"

static void expect_rarity(const char *const *texts, int n, const double *want)
{
    double have[8];
    word_rarity(texts, n, have);
    for (int i = 0; i < n; i++)
        if (!(fabs(have[i] - want[i]) <= 1e-15))
            fail_msg("\"%s\" is %.17g, not %.17g", texts[i], have[i], want[i]);
}

static void words_are_rare_by_how_often_all_say_them(void **state)
{
    // the, cat and ran are said twice, the others once
    expect_rarity((const char *[]){"The cat sat.", "the CAT ran", "A dog ran!"}, 3, (double[]){2.0 / 3, 0.5, 2.5 / 3});
    // saying one thing again and again is not rare, nor is saying nothing
    expect_rarity((const char *[]){"zap zap zap", "", "?!", "one"}, 4, (double[]){1.0 / 3, 0, 0, 1});
    // a beginning is not the word, and digits are words
    expect_rarity((const char *[]){"car 12", "cart 1", "carts car"}, 3, (double[]){0.75, 1, 0.75});
    expect_rarity((const char *[]){"don't", "Don"}, 2, (double[]){0.75, 0.5});
    expect_rarity(NULL, 0, NULL);
}

static void words_of_other_scripts_are_words(void **state)
{
    expect_rarity((const char *[]){"na\u00efve caf\u00e9", "caf\u00e9 \u2013 \u201cbar\u201d"}, 2, (double[]){0.75, 0.75});
    // Han without spaces: each character; full-width punctuation is none
    expect_rarity((const char *[]){"\u6211\u662f", "\u6211\u3002", "\uff01"}, 3, (double[]){0.75, 0.5, 0});
    // bytes that are no UTF-8 stay part of their word
    expect_rarity((const char *[]){"a\xff", "a"}, 2, (double[]){1, 1});
}

static void expect_pair(const double *scores, const double *diversity, int n, double share, int chosen, int rejected)
{
    int c, r;
    assert_true(diverse_pair(scores, diversity, n, share, &c, &r));
    if (c != chosen || r != rejected)
        fail_msg("share %g: %d and %d, not %d and %d", share, c, r, chosen, rejected);
}

static void the_pair_is_a_rare_good_one_and_a_common_bad_one(void **state)
{
    static const double scores[] = {9, 8, 5, 2, 6, 7, 4, 3}; // from best to worst: 0 1 5 4 2 6 7 3
    static const double rare[] = {0.1, 0.3, 0.9, 0.5, 0.8, 0.2, 0.0, 0.4};
    expect_pair(scores, rare, 8, 0.01, 0, 3); // one of each end: the best and the worst
    expect_pair(scores, rare, 8, 0.25, 1, 7); // {0, 1} and {7, 3}
    expect_pair(scores, rare, 8, 0.375, 1, 6); // {0, 1, 5} and {6, 7, 3}
    expect_pair(scores, rare, 8, 0.49, 1, 6);  // 3.92 is 3
    expect_pair(scores, rare, 8, 0.5, 4, 6);   // {0, 1, 5, 4} and {2, 6, 7, 3}
    expect_pair(scores, rare, 3, 0.5, 0, 2);   // one of each end
    expect_pair(scores, rare, 2, 0.25, 0, 1);
}

static void shares_are_exact_where_doubles_are_not(void **state)
{
    double scores[100], rare[100];
    for (int i = 0; i < 100; i++) {
        scores[i] = -i;
        rare[i] = i < 50 ? i : i - 100; // what is last in either pool is sought most
    }
    expect_pair(scores, rare, 100, 0.29, 28, 71);
}

static void ties_go_by_the_order_and_make_no_pair_of_equals(void **state)
{
    static const double same[] = {1, 1, 1, 1, 1, 1}, rising[] = {1, 2, 3, 4, 5, 6};
    int c, r;
    expect_pair((double[]){4, 3, 2, 1}, same, 4, 0.5, 0, 2);           // equal diversities: the earlier of each pool
    // {1, 2} and {3, 5}: of equal scores the earlier is better
    expect_pair((double[]){1, 2, 2, 1, 2, 1}, same, 6, 0.34, 1, 3);
    expect_pair((double[]){1, 2, 2, 1, 2, 1}, rising, 6, 0.34, 2, 3);
    assert_false(diverse_pair(same, rising, 6, 0.5, &c, &r));          // nothing is better
    assert_false(diverse_pair(same, rising, 1, 0.5, &c, &r));
    assert_false(diverse_pair(same, rising, 0, 0.5, &c, &r));
    // 1 is in the better half, but no better than the rest
    expect_pair((double[]){2, 1, 1, 1}, rising, 4, 0.5, 0, 2);
    // 2 is in the worse half, but no worse than the chosen
    expect_pair((double[]){1, 1, 1, 0}, rising, 4, 0.5, 1, 3);
    expect_pair((double[]){3, 2, 2, 1}, (double[]){0, 1, 0, 1}, 4, 0.5, 1, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_rare_by_how_often_all_say_them),
        cmocka_unit_test(words_of_other_scripts_are_words),
        cmocka_unit_test(the_pair_is_a_rare_good_one_and_a_common_bad_one),
        cmocka_unit_test(shares_are_exact_where_doubles_are_not),
        cmocka_unit_test(ties_go_by_the_order_and_make_no_pair_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
