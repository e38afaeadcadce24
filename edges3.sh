. /tmp/hel_env.sh
# resume after kill -9 with rollout-ahead 1..8
for k in 1 2 5 8; do
 for who in a b; do t ra$k$who $D --objective grpo --rewards length:5..10 --steps 12 --samples 2 --rollout-ahead $k --save-every 4 --top-p 0.9 --min-p 0.02 --stop '.' --passes 2 --minibatches 2 --detach >out/ra$k$who 2>&1; 
 if [ $who = b ]; then for i in 1 2 3 4 5 6; do sleep 0.$((k*7%10+2)); pid=$($A show ra${k}b --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin).get("pid") or "")'); [ -n "$pid" ] && kill -9 $pid 2>/dev/null && echo killed $pid; sleep 0.2; $A resume ra${k}b --detach >>out/ra$k$who 2>&1; done; fi; done
 for who in a b; do for i in $(seq 60); do s=$($A runs --json | python3 -c 'import json,sys; print([r["state"] for r in json.load(sys.stdin) if r["name"]=="ra'$k$who'"])'); case "$s" in *done*|*failed*) break;; *dead*) $A resume ra$k$who --detach >/dev/null 2>&1;; esac; sleep 0.5; done; echo ra$k$who $s; done
 cmp p/runs/ra${k}a/checkpoints/step-12/model.safetensors p/runs/ra${k}b/checkpoints/step-12/model.safetensors && echo same $k
done
