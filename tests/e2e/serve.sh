#!/bin/sh
# One model, kept loaded, and several questions at once: each is answered as if it were alone.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
engine=$build/attune-engine
share=$(CDPATH='' cd "${ATTUNE_SHARE:-$source/share/attune}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
cd "$work" || exit 1
no() { printf 'not ok %s: %s\n' "$1" "$2"; bad=1; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else no "$1" "\"$3\", not \"$2\""; fi; }
# rows ID: what was answered to it, as the command prints it
rows() { grep "^{\"id\":$1,\"row\":" out | sed "s/^{\"id\":$1,\"row\"://; s/}\$//"; }
end() { grep "^{\"id\":$1,\"end\":" out | sed "s/^{\"id\":$1,\"end\"://; s/}\$//"; }
alone() { timeout 60 "$engine" "$@" --model "$share/models/demo" --threads 2 2>err; }

cat >rows.jsonl <<'END'
{"prompt": "Once upon a time", "chosen": " there was a fox.", "rejected": " a fox was there."}
{"prompt": "The owl", "chosen": " said nothing.", "rejected": " sang."}
END
cat >asked <<'END'
{"id": 1, "ask": "sample", "options": {"samples": 5, "max-tokens": 40}, "words": ["Once upon a time", "The fox"]}
{"id": 2, "ask": "sample", "options": {"samples": 3, "max-tokens": 9, "temperature": 0.5, "seed": 7}, "words": ["The owl"]}
{"id": 3, "ask": "score", "options": {"data": "rows.jsonl"}}
{"id": 4, "ask": "sample", "options": {"max-tokens": 12, "stream": true}, "words": ["A hen"]}
{"id": 5, "ask": "credit", "options": {"data": "rows.jsonl", "reference": "MODEL", "limit": 1}}
{"id": 13, "ask": "tokens", "options": {"prompt": "Once upon a time"}, "words": [" there was a fox.", ""]}
{"id": 14, "ask": "sample", "options": {"max-tokens": 12, "stream": true, "tokens": true, "seed": 5}, "words": ["A hen"]}
{"id": 15, "ask": "score", "options": {"prompt": "The owl", "response": " said nothing."}}
{"id": 16, "ask": "tokens", "options": {"ids": "1,x"}, "words": ["a"]}
{"id": 17, "ask": "tokens"}
{"id": 18, "ask": "sample", "options": {"max-tokens": 12, "chat-template": "chatml", "history": "[{\"role\": \"user\", \"content\": \"Tell.\"}, {\"role\": \"assistant\", \"content\": \"A fox ran.\"}]"}, "words": ["And then?"]}
{"id": 19, "ask": "score", "options": {"prompt": "And then?", "response": "It slept.", "chat-template": "chatml", "history": "[{\"role\": \"user\", \"content\": \"Tell.\"}, {\"role\": \"assistant\", \"content\": \"A fox ran.\"}]"}}
{"id": 20, "ask": "tokens", "options": {"prompt": "And then?", "chat-template": "chatml", "history": "[{\"role\": \"user\", \"content\": \"Tell.\"}, {\"role\": \"assistant\", \"content\": \"A fox ran.\"}]"}, "words": ["It slept."]}
{"id": 21, "ask": "sample", "options": {"chat-template": "chatml", "history": "[]"}, "words": ["And then?"]}
{"id": 22, "ask": "sample", "options": {"chat-template": "chatml", "history": "[{\"role\": \"cat\", \"content\": \"miaow\"}]"}, "words": ["And then?"]}
{"id": 6, "ask": "sample", "options": {"max-tokens": 3000, "samples": 40}, "words": ["Once"]}
{"cancel": 6}
{"id": 7, "ask": "sample", "options": {"max-tokens": 1000000, "samples": 1024}, "words": ["Once"]}
{"id": 8, "ask": "sample", "options": {"top-p": 7}, "words": ["Once"]}
{"id": 9, "ask": "train"}
{"id": 10, "ask": "sample", "options": {"threads": 3}, "words": ["Once"]}
{"id": 1, "ask": "sample", "words": ["twice"]}
{"id": 11, "ask": "score", "options": {"data": "nowhere.jsonl"}}
{"id": 12, "ask": "sample", "words": [3]}
no request

{"ask": "score"}
[1]
END
sed -i "s|MODEL|$share/models/demo|" asked
said='{"role": "user", "content": "Tell."}, {"role": "assistant", "content": "A fox ran."}'
printf '{"prompt": [%s, {"role": "user", "content": "And then?"}], "completion": [{"role": "assistant", "content": "It slept."}]}\n' "$said" >conversation.jsonl
timeout 100 "$engine" serve-model --model "$share/models/demo" --threads 2 <asked >out 2>err
same "it ends well when its input ends" 0 $?
same "two prompts among others" "$(alone sample --samples 5 --max-tokens 40 "Once upon a time" "The fox")" "$(rows 1)"
same "one with other settings" "$(alone sample --samples 3 --max-tokens 9 --temperature 0.5 --seed 7 "The owl")" "$(rows 2)"
same "scores" "$(alone score --data rows.jsonl)" "$(rows 3)"
same "pieces as they are made" "$(alone sample --max-tokens 12 --stream yes "A hen")" "$(rows 4)"
same "credit" "$(alone credit --data rows.jsonl --limit 1 --reference "$share/models/demo")" "$(rows 5)"
same "how tokens are read" "$(alone tokens --prompt "Once upon a time" " there was a fox." "")" "$(rows 13)"
same "what was said before a prompt" \
    "$(alone sample --max-tokens 12 --chat-template chatml --prompts conversation.jsonl)" "$(rows 18)"
same "and before a response that is scored" "$(alone score --data conversation.jsonl --chat-template chatml)" "$(rows 19)"
same "and before one whose tokens are read" \
    "$(alone score --data conversation.jsonl --chat-template chatml --tokens yes | sed 's/.*"tokens":\[\["[^"]*",\(-[0-9]*\.[0-9][0-9][0-9]\).*/\1/')" \
    "$(rows 20 | sed 's/.*"tokens":\[{"id":[0-9]*,"text":"[^"]*","logp":\(-[0-9]*\.[0-9][0-9][0-9]\).*/\1/')"
case $(end 21) in *"--history is a JSON list of messages"*) ok "a conversation of nothing is refused" ;; *) no \
    "a conversation of nothing is refused" "$(end 21)" ;; esac
case $(end 22) in *"has the role"*cat*) ok "a strange role is refused" ;; *) no "a strange role is refused" \
    "$(end 22)" ;; esac
same "a response that is given is scored as one of a file" \
    "$(rows 3 | sed -n '2s/.*\("responses":\[{"logp":[-0-9.e]*\).*/\1/p')" \
    "$(rows 15 | sed 's/.*\("responses":\[{"logp":[-0-9.e]*\).*/\1/')"
same "a row for every token" 12 "$(rows 14 | grep -c '"piece":.*"id":[0-9]*,"logp":-[0-9]')"
# What was said is read with the same log-probabilities, token by token, and their sum is the sampler's.
ids=$(rows 14 | sed -n 's/.*"id":\([0-9]*\),.*/\1/p' | paste -sd, -)
text=$(rows 14 | sed -n 's/.*"text":"\(.*\)","n_tokens".*/\1/p')
alone tokens --prompt "A hen" --ids "$ids" "$text" >read
same "what was said is read as it was said" "$(rows 14 | sed -n 's/.*"id":\([0-9]*\),"logp":\([-0-9.e]*\)}.*/\1 \2/p')" \
    "$(sed 's/{"id":/\n/g' read | sed -n 's/^\([0-9]*\),.*"logp":\([-0-9.e]*\),"entropy".*/\1 \2/p')"
case $(cat read) in *'"same_tokens":true'*) ok "in the same tokens" ;; *) no "the same tokens" "$(cat read)" ;; esac
case $(alone tokens --prompt "A hen" --ids "$ids" "another text") in
*'"same_tokens":false'*) ok "tokens of another text are not used" ;; *) no "tokens of another text" "taken" ;; esac
case $(end 16) in *'"status":2'*'is no token'*) ok "a token that is none" ;; *) no "a token that is none" "$(end 16)" ;; esac
case $(end 17) in *'"status":2'*'nothing to read'*) ok "nothing to read" ;; *) no "nothing to read" "$(end 17)" ;; esac
for id in 2 3 4 5 13 14 15; do same "question $id ends" '{"status":0}' "$(end $id)"; done
same "what is cancelled ends so" '{"status":130,"code":-10,"text":"the request was cancelled"}' "$(end 6)"
case $(end 7) in *'"status":6'*'MiB more'*) ok "what is too much is refused" ;; *) no "too much" "$(end 7)" ;; esac
case $(end 8) in *'"status":2'*'top-p'*) ok "a value out of range" ;; *) no "out of range" "$(end 8)" ;; esac
case $(end 9) in *'"status":2'*'must be sample'*) ok "an unknown question" ;; *) no "an unknown question" "$(end 9)" ;; esac
case $(end 10) in *'cannot change it'*) ok "what is loaded stays" ;; *) no "what is loaded" "$(end 10)" ;; esac
same "an id that is under way is refused, and goes on" 2 "$(grep -c '^{"id":1,"end":' out)"
case $(end 11) in *'"status":4'*nowhere*) ok "a file that is not there" ;; *) no "a file that is not there" \
    "$(end 11)" ;; esac
case $(end 12) in *'must be a list of texts'*) ok "words that are none" ;; *) no "words that are none" "$(end 12)" ;; esac
same "lines that are no requests are answered" 3 "$(grep -c '^{"id":-1,"end":{"status":3' out)"

# It ends with whoever started it, also in the middle of a long answer.
mkfifo questions
sh -c 'exec 3<>questions; echo "{\"id\": 1, \"ask\": \"sample\", \"options\": {\"samples\": 200, \"max-tokens\": 400}, \"words\": [\"Once\"]}" >&3
    "$0" serve-model --model "$1" --threads 1 <questions >long 2>&1 & echo $! >pid; wait' "$engine" "$share/models/demo" &
parent=$!
i=0
while ! grep -q serves long 2>/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
child=$(cat pid)
kill -9 $parent
i=0
while kill -0 "$child" 2>/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
if kill -0 "$child" 2>/dev/null; then no "it ends with its parent" "process $child goes on"; kill -9 "$child"
else ok "it ends with its parent"; fi
exit $bad
