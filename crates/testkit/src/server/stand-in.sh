#!/bin/sh
# A stand-in for the program: appends its arguments to a file, says that it is ready, and waits.
[ "$STAND_IN" = refuses ] && { echo "bad key" >&2; exit 2; }
echo "$@" >> arguments
echo "started $(wc -l < arguments) times, tenant=$TIELINE_TENANT" >&2
trap 'echo stopping; exit 3' TERM
[ "$3" = 127.0.0.1:0 ] && address=127.0.0.1:4711 || address=$3
echo "tieline is ready at http://$address/ (console)"
while :; do sleep 0.01; done
