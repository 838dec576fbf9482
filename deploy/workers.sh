#!/usr/bin/env bash
# Starts a worker on each of some boxes over ssh, with the program that is here, and
# ends them when it ends:
#
#   TLOAD_TOKEN=$(tload token) deploy/workers.sh 10.0.0.5:7467 box1 box2 box3
#
# The token goes through standard input: nobody sees it in a list of processes. All
# boxes are of this one's system and architecture; TLOAD=./shop takes another program.
set -euo pipefail
if [ $# -lt 2 ]; then
	echo "usage: TLOAD_TOKEN=\$(tload token) $0 MASTER[:PORT] BOX…" >&2
	exit 2
fi
: "${TLOAD_TOKEN:?say TLOAD_TOKEN=\$(tload token)}"
program=$(command -v "${TLOAD:-tload}")
master=$1
shift
pipes=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$pipes"' EXIT
trap 'exit 130' INT TERM

# work starts one on a box, and waits for its end. It ends with its standard input,
# which is this script's to hold open.
work() {
	scp -q "$program" "$1:/tmp/tload-worker"
	mkfifo "$2"
	ssh "$1" '
		read -r TLOAD_TOKEN
		export TLOAD_TOKEN
		exec 3<&0
		/tmp/tload-worker --worker --master-host='"$(printf %q "$master")"' </dev/null &
		worker=$!
		(cat <&3 >/dev/null; kill "$worker" 2>/dev/null) &
		wait "$worker"
	' <"$2" &
	local ssh=$!
	exec 3>"$2"
	printf '%s\n' "$TLOAD_TOKEN" >&3
	trap 'kill "$ssh" 2>/dev/null' TERM
	wait "$ssh"
}

n=0
for box in "$@"; do
	n=$((n + 1))
	work "$box" "$pipes/$n" 2>&1 | sed "s|^|$box: |" &
done
wait
