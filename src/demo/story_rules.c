// What the stories are made of. The words that tell the styles apart (style.c) stand in endings of their style alone.
#include "config.h"

#include "demo/story_rules.h"

#include <stddef.h>

const struct character story_cast[] = {
    {"Mia", "cat", 'f'}, {"Ben", "bear", 'm'}, {"Lily", "rabbit", 'f'}, {"Tom", "turtle", 'm'},
    {"Rosa", "squirrel", 'f'}, {"Max", "dog", 'm'}, {"Ivy", "owl", 'f'}, {"Oscar", "otter", 'm'},
    {"Nora", "mouse", 'f'}, {"Felix", "fox", 'm'}, {"Ella", "deer", 'f'}, {"Hugo", "hedgehog", 'm'},
    {"Poppy", "pony", 'f'}, {"Sam", "frog", 'm'}, {"Ruby", "robin", 'f'}, {"Theo", "badger", 'm'},
    {"Daisy", "duck", 'f'}, {"Leo", "lizard", 'm'}, {"Clara", "hen", 'f'}, {"Otto", "mole", 'm'},
};
const int story_n_cast = sizeof story_cast / sizeof *story_cast;

// Where somebody lives, and a place near it.
const char *const story_places[][2] = {
    {"in a hollow oak", "the oak tree"},
    {"by the river", "the river"},
    {"at the edge of the forest", "the forest"},
    {"under the old bridge", "the old bridge"},
    {"on a green hill", "the green hill"},
    {"near the mill", "the mill"},
    {"beside a quiet pond", "the pond"},
    {"at the end of the village", "the village"},
    {"behind the stone wall", "the stone wall"},
    {"in the tall grass of the meadow", "the meadow"},
};
const int story_n_places = sizeof story_places / sizeof *story_places;

const char *const story_things[][2] = {
    {"red kite", "kite"},     {"silver key", "key"},   {"blue scarf", "scarf"},        {"little lantern", "lantern"},
    {"brass bell", "bell"},   {"straw hat", "hat"},    {"paper boat", "boat"},      {"glass button", "button"},
    {"picture book", "book"},     {"green umbrella", "umbrella"}, {"yellow ball", "ball"}, {"picnic basket", "basket"},
};
const int story_n_things = sizeof story_things / sizeof *story_things;

#define RULE(...) (const char *const[]){__VA_ARGS__, NULL}

const struct grammar_rule story_rules[] = {
    {"story_friends", RULE("{opening} {friendship} {day_plot}")},
    {"story_alone", RULE("{opening} {plot_stranger}", "{opening} {hobby_line} {plot_stranger}")},

    // Who and where.
    {"opening", RULE("(once upon a time|long ago|once) there was a {trait} {kind} (named|called) {hero} who lived {place}.",
                     "{hero} was a {trait} {kind} who lived {place}.",
                     "{place} lived a {trait} {kind} (named|called) {hero}.",
                     "there was once a {trait} {kind} {place}, and {his} name was {hero}.",
                     "a {trait} {kind} named {hero} had a small house {place}.")},
    {"trait", RULE("little", "young", "clever", "shy", "cheerful", "curious", "brave", "gentle", "quiet", "funny",
                   "kind", "busy", "careful", "playful")},
    {"friendship", RULE("{his} best friend was {friend}, a {trait} {fkind}.",
                        "{he} had a friend, {friend} the {fkind}, and they did everything together.",
                        "{friend} the {fkind} lived next door, and the two were best friends.",
                        "every day {he} played with {his} friend {friend}, a {trait} {fkind}.",
                        "{hobby_line} {his} friend {friend} the {fkind} liked it too.")},
    {"hobby_line", RULE("{he} loved {hobby}.", "{he} liked {hobby} (best of all|more than anything).",
                        "most of all {he} loved {hobby}.", "every morning {he} spent (an hour|some time) {hobby}.")},
    {"hobby", RULE("painting stones", "counting clouds", "collecting feathers", "baking bread", "climbing trees",
                   "watching the ducks", "telling jokes", "splashing in puddles", "looking for shells", "picking berries",
                   "reading stories", "building towers")},

    // When.
    {"day_plot", RULE("{plot_lost}", "{plot_storm}", "{plot_race}", "{plot_noise}", "{plot_gift}", "{plot_stuck}",
                      "{plot_seed}")},
    {"one_day", RULE("one day", "one morning", "one {weather} (day|morning|afternoon)", "early one morning",
                     "one (spring|summer|autumn) day", "on a {weather} (day|morning)")},
    {"weather", RULE("sunny", "windy", "cloudy", "bright", "rainy", "foggy")},

    // Something is lost and found.
    {"plot_lost", RULE("{lost_a} {lost_b} {lost_c} {lost_d}")},
    {"lost_a", RULE("{one_day} {hero} could not find {his} {thing} (anywhere|).",
                    "{one_day} {hero} woke up and saw that {his} {thing} was gone.",
                    "{one_day} a magpie took {hero}'s {thing} and flew away with it.",
                    "{one_day} {hero} lost {his} {thing} on the way to {near}.")},
    {"lost_b",
     RULE("\"oh no, where is my {noun}?\" ~{he} cried.", "{he} looked under every leaf and (sat down|began to cry).",
                    "{he} was very sad and did not know what to do.", "\"I need my {noun},\" {he} said (sadly|with a sigh).",
                    "{he} asked everybody, but nobody had seen the {noun}.")},
    {"lost_c", RULE("\"do not worry,\" said {friend}. \"I will help you look.\"",
                    "{friend} heard {him} and came (running|at once) to help.",
                    "{friend} had sharp eyes, so they looked together near {near}.",
                    "\"let us look near {near},\" said {friend}.")},
    {"lost_d",
     RULE("(at last|after a long time) they found the {noun} (in a nest|under a bush|behind a big rock|between two roots).",
                    "a (small bird|friendly bee|brown toad) had seen it and showed them the {noun} (in the reeds|in a "
                    "bush|under a log).",
                    "{friend} lifted a (big leaf|flat stone), and there was the {noun}! {hero} (jumped for joy|gave "
                    "{fhim} a big hug).",
                    "the {noun} was hanging in a tree, and {friend} climbed up to get it. \"thank you!\" ~said {hero}.")},

    // A storm, and something to mend.
    {"plot_storm", RULE("{storm_a} {storm_b} {storm_c} {storm_d}")},
    {"storm_a", RULE("{one_day} a big storm came over {near}.", "{one_day} dark clouds came, and it began to rain.",
                     "{one_day} the wind blew so hard that the trees (shook|bent down).",
                     "{one_day} thunder rolled over {near}, and {hero} (hid under a chair|shut the window).")},
    {"storm_b", RULE("the storm broke the (little bridge|garden gate|bench by the path) that everyone used.",
                     "when it was over, (a tall tree lay across the path|the little bridge was broken).",
                     "the wind blew down the (fence|nest) of an old (goose|crow) who lived near them.",
                     "water ran everywhere, and the (ants|beetles|field mice) lost their (house|door).")},
    {"storm_c", RULE("\"we can fix it,\" said {hero}. \"I will bring wood, and you bring (rope|nails|string).\"",
                     "{hero} was a little afraid, but {friend} said, \"we can do it together.\"",
                     "{friend} wanted to wait, but {hero} said, \"we must help now.\"",
                     "\"who will help?\" ~asked {friend}. \"we will,\" said {hero}.")},
    {"storm_d", RULE("they worked all (day|afternoon), and (everyone thanked them|it was better than before).",
                     "{hero} pushed, {friend} pulled, and (at last|in the end) it was done.",
                     "with (sticks|planks), mud and a lot of laughing they (made it new|put it right).",
                     "it took a long time, but (they did not give up|nobody gave up).")},

    // A race.
    {"plot_race", RULE("{race_a} {race_b} {race_c} {race_d}")},
    {"race_a", RULE("{one_day} the animals had a race from {near} to the (big rock|pine tree|well).",
                    "{one_day} {friend} said, \"I bet that I can run faster than you!\"",
                    "{one_day} {hero} and {friend} wanted to know who was the fastest.",
                    "{one_day} there was a race around {near}, and the prize was a {thing}.")},
    {"race_b", RULE("\"ready, steady, go!\" ~(shouted|called) an old (goose|crow|toad).", "they ran as fast as they could.",
                    "{hero} was quick, but {friend} was quicker.", "{friend} took the lead, and {hero} ran close behind.")},
    {"race_c", RULE("halfway there {friend} (fell over a root|slipped in the mud|hurt {fhis} foot).",
                    "then {friend} tripped and fell into (a puddle|the bushes).",
                    "near the end {hero} heard a cry. {friend} had (slipped|fallen)!")},
    {"race_d", RULE("{hero} stopped and (helped {fhim} up|ran back), and they crossed the line together.",
                    "{hero} could have won, but {he} (turned back|stopped) to help {his} friend.",
                    "\"are you all right?\" ~asked {hero}, and {he} did not care about the race (any more|at all).",
                    "\"winning is not fun without you,\" said {hero}, and {he} gave {fhim} a hand.")},

    // A noise in the dark.
    {"plot_noise", RULE("{noise_a} {noise_b} {noise_c} {noise_d}")},
    {"noise_a", RULE("{one_day} {hero} heard a strange (noise|sound) near {near}.",
                     "{one_day} something went \"~(tap, tap, tap|knock, knock|woo, woo)\" behind {near}.",
                     "{one_day} there was a (soft|loud|strange) noise, and nobody knew what it was.")},
    {"noise_b", RULE("\"did you hear that?\" ~{he} whispered to {friend}.", "\"maybe it is a monster,\" said {friend}.",
                     "{friend} held {his} hand, because {fhe} was a bit afraid.",
                     "{hero} lit a lamp, and {friend} came with a big stick.")},
    {"noise_c", RULE("slowly they went closer and (looked behind a tree|looked into the dark|moved the leaves away).",
                     "step by step they followed the sound.", "they counted to three and (opened the door|looked inside).")},
    {"noise_d", RULE("it was only (a baby bird|a tiny bat|a lost kitten) who wanted (its mother|a friend|something to eat).",
                     "there sat a (small goat|young lamb|baby bat) with a (basket|bucket|flower pot) stuck on its "
                     "head! they laughed and helped it.",
                     "it was just the wind, playing with an old (hat|bucket|umbrella|scarf). \"how silly we were!\" "
                     "~said {friend}.",
                     "a (woodpecker|beaver) looked up and said, \"sorry, I am building a house.\"")},

    // A present.
    {"plot_gift", RULE("{gift_a} {gift_b} {gift_c} {gift_d}")},
    {"gift_a", RULE("{one_day} it was {friend}'s birthday, and {hero} wanted to make a {thing} for {fhim}.",
                    "{one_day} {hero} had an idea. {he} would make {friend} a {thing}.",
                    "{friend} had always wanted a {thing}, so {one_day} {hero} began to make one.")},
    {"gift_b", RULE("{he} worked and worked, but it (broke|fell apart|looked very odd).",
                    "the first one (broke|was too small), and the second one (broke too|was too big).",
                    "it was hard work, and {he} (spilled the paint|dropped it twice).",
                    "{he} worked in secret so that {friend} would not see it.")},
    {"gift_c", RULE("\"I will try again,\" said {hero}.", "\"this is not good enough,\" {he} thought, and {he} began again.",
                    "{he} took a deep breath and tried once more.",
                    "an old (toad|crow|goose) showed {him} how to do it right.")},
    {"gift_d", RULE("when {friend} saw the {noun}, {fhe} (laughed with joy|could not say a word|clapped {fhis} hands).",
                    "\"it is the best {noun} in the world!\" ~said {friend}.",
                    "in the end the {noun} was a bit crooked, but {friend} loved it.",
                    "{friend} hugged {him} and said, \"nobody ever made me a {noun} before.\"")},

    // Somebody is stuck.
    {"plot_stuck", RULE("{stuck_a} {stuck_b} {stuck_c} {stuck_d}")},
    {"stuck_a", RULE("{one_day} {friend} fell into a (deep hole|hole) near {near} and could not get out.",
                     "{one_day} {friend} got stuck in the mud (behind|near) {near}.",
                     "{one_day} {friend} climbed up a very tall tree and was too afraid to come down.",
                     "{one_day} {friend} crawled into a (hollow log|barrel) and got stuck.")},
    {"stuck_b", RULE("\"help!\" ~{fhe} (called|shouted|cried).", "\"help me, {hero}!\" ~{fhe} (called|cried).",
                     "{hero} heard {fhim} call and ran as fast as {he} could.",
                     "\"stay calm,\" said {hero}. \"I will think of something.\"")},
    {"stuck_c", RULE("{hero} (found|brought) a (long rope|strong branch|ladder) and held it (out to|for) {fhim}.",
                     "{hero} let down {his} belt, but it was too short. then {he} got a rope.",
                     "{hero} asked the (ants|ducks|goats) for help, and they all came.",
                     "{hero} tried once, and again, but {friend} did not move.")},
    {"stuck_d", RULE("they pulled and pulled, and (pop!|at last|with a plop) {friend} was free.",
                     "\"one, two, three!\" ~they called, and {friend} was free.",
                     "little by little {friend} came out, (dirty|covered in leaves) but happy.",
                     "{friend} was free! \"you are a true friend,\" {fhe} said.")},

    // A seed grows.
    {"plot_seed", RULE("{seed_a} {seed_b} {seed_c} {seed_d}")},
    {"seed_a", RULE("{one_day} {hero} found a (tiny|round|golden) seed near {near}.",
                    "{one_day} a bird dropped a (strange|tiny|striped) seed in front of {hero}.",
                    "{one_day} an old (crow|goose) gave {hero} a seed and said, \"take good care of it.\"")},
    {"seed_b", RULE("{he} planted it, and {friend} brought water (in a bucket|every day|from the well).",
                    "\"what will it be?\" ~asked {friend}. \"we must wait and see,\" said {hero}.",
                    "together they put it into the ground and (watered it|gave it some water).")},
    {"seed_c", RULE("they waited (for days|for a week|and waited), but nothing (happened|came up).",
                    "\"it will never grow,\" said {friend}, but {hero} did not give up.",
                    "{friend} (grew|got) tired of waiting, but {hero} sat beside it (all day|every day).")},
    {"seed_d", RULE("then, after the rain, there was a (small green leaf|tall sunflower|little tree).",
                    "one morning there stood a (sunflower|pumpkin|flower) as big as {hero}!",
                    "at last a green leaf came up. \"look!\" ~they shouted (with joy|together).",
                    "and then it grew and grew, until it was (taller than {hero}|as tall as a house).")},

    // Somebody new: the only plot that brings its own friend.
    {"plot_stranger", RULE("{new_a} {new_b} {new_c} {new_d}")},
    {"new_a", RULE("{one_day} {he} saw a {fkind} sitting alone near {near}.",
                   "{one_day} a {fkind} {he} had never seen before came to {near}.",
                   "{one_day} {he} met a {trait} {fkind} with a {thing}.")},
    {"new_b", RULE("\"hello, my name is {friend},\" said the {fkind}. \"I am new here.\"",
                   "\"who are you?\" ~asked {hero}. \"I am {friend},\" said the {fkind} (softly|shyly|with a smile).",
                   "the {fkind} was called {friend}, and {fhe} had nobody to play with.")},
    {"new_c", RULE("{hero} gave {fhim} (half of an apple|some berries|a piece of bread|a handful of nuts).",
                   "\"would you like to play?\" ~asked {hero}, and {friend} (nodded|smiled).",
                   "{hero} was shy too, but {he} (smiled and waved|sat down next to {fhim}).",
                   "{hero} showed {fhim} {near} and (the best berries|all the secret places).")},
    {"new_d", RULE("they (played|laughed|talked) all afternoon, and soon they were friends.",
                   "by noon it felt as if they had always been friends.",
                   "{friend} could do funny tricks, and {hero} laughed until {his} belly hurt.",
                   "together they built a tower of (stones|sticks), taller than both of them.")},

    // Endings. All may begin in the same way, so that the style shows late.
    {"ending_cozy", RULE("{remark}{cozy_a} {cozy_b}")},
    {"ending_adventure", RULE("{remark}{out_a} {out_b}")},
    {"ending_song", RULE("{remark}{song_a} {song_b}")},
    {"remark",
     RULE("", "", "", "\"what a day!\" ~said {friend}. ", "{hero} was (very |)happy. ", "now everything was well again. ",
                    "{friend} (laughed|smiled). ")},
    {"dusk", RULE("when evening came,", "as the sun went down,", "at the end of the day,", "when the stars came out,",
                  "after that,", "then", "when it got late,")},

    // Every style has as many different endings, 7 * 9 + 1 beginnings times 15 ends: what people choose among all endings is
    // then what they choose among the styles.
    {"cozy_a", RULE("{dusk} {hero} and {friend} walked home (together|side by side|hand in hand).",
                    "{dusk} they went home (to eat supper|for supper|to {hero}'s house).",
                    "{dusk} {hero} took {friend} home, where (a pot of soup was waiting|the kettle was on).",
                    "{dusk} the two friends sat by the fire at home and ate pancakes.",
                    "\"let us go home,\" said {hero}, and they did.")},
    {"cozy_b", RULE("soon {hero} was fast asleep under a (warm|soft|thick) blanket.",
                    "they shared {hot} and one big blanket, and the room was warm.",
                    "{friend} pulled up the blanket and fell asleep with a smile.",
                    "\"there is no place like home,\" said {hero}, and {he} climbed into bed.",
                    "it was warm in bed, and they slept until morning.",
                    "the fire was warm, and they told stories until they were sleepy.",
                    "they drank {drink} by the fire and felt warm and cozy.")},
    {"hot", RULE("hot soup", "bread and honey", "apple pie", "pancakes", "warm bread")},
    {"drink", RULE("hot tea", "cocoa", "warm milk")},

    {"out_a", RULE("{dusk} {hero} looked at the far hills and (smiled|wondered).",
                   "{dusk} {hero} found an old map (under a stone|in a hollow tree|behind the door).",
                   "{dusk} {hero} said, \"I wonder where the road goes.\"",
                   "{dusk} {hero} packed (some bread|a small bag|apples and nuts) and called {friend}.",
                   "\"let us go on an adventure,\" said {hero}.")},
    {"out_b", RULE("so they set out (again|together) (over the hills|along the river|toward the sea|into the deep woods).",
                   "together they set off (down the long road|over the bridge), looking for a new adventure.",
                   "and off they went to see the wide world.",
                   "they found a small boat and sailed toward the horizon.",
                   "\"the world is big, and I want to explore it,\" said {friend}, and off they went.",
                   "they set off toward the mountains, and nobody knew what they would find.",
                   "a new journey began, and they did not look back.")},

    {"song_a", RULE("{dusk} {friend} began to hum a (little |)tune.",
                    "{dusk} {hero} made up a song about (the {noun}|the moon|the rain).",
                    "{dusk} {friend} sang (softly|a song|and sang), and {hero} hummed along.",
                    "{dusk} they sat down and began to sing.",
                    "\"let us sing,\" said {hero}.")},
    {"song_b", RULE("they sang and danced (until the moon was high|until morning|all night long|under the stars).",
                    "all the animals came to sing with them and danced in a (circle|ring|row).",
                    "it was the best song that anybody had ever (sung|heard), and they sang it (again and again|once "
                    "more|three times).",
                    "everyone knew the tune, and they danced (under the stars|on the grass).")},
    {0},
};
