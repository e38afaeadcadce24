. /tmp/hel_env.sh
e() { echo "### $*"; timeout 200 $A eval "$@" 2>&1 | tail -${L:-30}; }
t ev1 $D --objective grpo --samples 2 --steps 4 --save-every 2 --rewards length:5..10 --probe-every 0 --keep 5 >/dev/null 2>&1 || t ev1 $D --objective grpo --samples 2 --steps 4 --save-every 2 --rewards length:5..10  2>&1 | tail -1
t ev2 $D --objective ppo --steps 4 --save-every 2 --reward-model $RM --watch-model $RM --lora-rank 2 2>&1 | tail -1
t ev3 $D --objective grpo --steps 2 --rewards "preference:$PM" --samples 2 2>&1 | tail -1
t ev4 $D --objective rloo --steps 2 --rewards "model:$RM" --samples 2 2>&1 | tail -1
R="--rows 6 --max-tokens 12"
e --run ev1 $R --data pairs.jsonl
e --run ev2 $R --data pairs.jsonl --styles
L=12 e --run ev2 $R --data pairs.jsonl --curve
e --run ev3 $R --data pairs.jsonl
L=12 e --run ev4 $R --data pairs.jsonl 
L=4 e --run ev3 $R --data pairs.jsonl --reward-model $PM
L=4 e --run ev1 $R
L=3 e --run ev2@base $R --data pairs.jsonl
L=3 e --run ev2@best $R --data pairs.jsonl
L=3 e --run ev2@3 $R --data pairs.jsonl
L=3 e --run ev2 $R --data pairs.jsonl --samples 1
L=3 e --run ev2 $R --data pairs.jsonl --temperature 0
L=3 e --run ev2 $R --data pairs.jsonl --top-p 0.1 --beta 1e6
L=3 e --run ev2 --rows 1 --samples 256 --max-tokens 2 --data pairs.jsonl
L=3 e --run ev2 $R --max-tokens 1048576 --data pairs.jsonl
L=10 e --list ev1 ev2 ev3
