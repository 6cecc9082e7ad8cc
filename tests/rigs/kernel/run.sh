#!/bin/sh
# Boots the rig's kernel on this machine's own files, read as they are, and does one thing in it.
#
#   tests/rigs/kernel/run.sh radio-test                       what `touchline-hub radio-test` says of two adapters
#   STRAPS=60 ADAPTERS=4 tests/rigs/kernel/run.sh hub         a whole hub measured beside 60 straps
#   STRAPS=100 ADAPTERS=1 PITCH=--broadcast,100 tests/rigs/kernel/run.sh hub
#   tests/rigs/kernel/run.sh shell                            look around
set -eu
ROOT=$(cd "$(dirname "$0")/../../.." && pwd)
KERNEL=${KERNEL:-$ROOT/build/radio-rig/linux}
[ -x "$KERNEL" ] || { echo "No kernel at $KERNEL: run tests/rigs/kernel/build_kernel.sh first." >&2; exit 1; }
for needed in /usr/libexec/bluetooth/bluetoothd /usr/bin/dbus-daemon; do
    [ -x "$needed" ] || { echo "$needed is missing: apt install bluez dbus" >&2; exit 1; }
done
exec "$KERNEL" mem="${MEM:-1G}" root=/dev/root rootfstype=hostfs rootflags=/ rw quiet con=null con0=fd:0,fd:1 \
    init="$ROOT/tests/rigs/kernel/guest.sh" \
    RIG_ROOT="$ROOT" RIG_PYTHON="${PYTHON:-$ROOT/.venv/bin/python}" RIG_WORK="${1:-radio-test}" \
    RIG_STRAPS="${STRAPS:-10}" RIG_ADAPTERS="${ADAPTERS:-2}" RIG_SECONDS="${SECONDS_LONG:-30}" \
    RIG_PITCH="${PITCH:---stamp}" RIG_LOGS="${LOGS:-0}"
