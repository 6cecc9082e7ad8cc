#!/bin/sh
# Builds the kernel of the radio rig: Linux as an ordinary program (user-mode Linux) with Bluetooth and virtual
# controllers. Once, about eight minutes on two cores; nothing is installed outside the folder given.
#
#   sudo apt install linux-source-6.12 build-essential flex bison bc bluez dbus
#   tests/rigs/kernel/build_kernel.sh build/radio-rig
set -eu

FOLDER=${1:-build/radio-rig}
JOBS=${JOBS:-2}

source_of() { ls /usr/src/linux-source-*.tar.xz 2>/dev/null | sort -V | tail -n 1; }

ARCHIVE=$(source_of)
if [ -z "$ARCHIVE" ]; then
    echo "No kernel source found: apt install linux-source-6.12" >&2
    exit 1
fi
for tool in gcc make flex bison bc; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt install build-essential flex bison bc" >&2; exit 1; }
done

mkdir -p "$FOLDER/source"
FOLDER=$(cd "$FOLDER" && pwd)
if [ -x "$FOLDER/linux" ]; then
    echo "$FOLDER/linux is there already; delete it to build anew."
    exit 0
fi
echo "Unpacking $ARCHIVE"
tar --extract --xz --file "$ARCHIVE" --directory "$FOLDER/source" --strip-components 1
cd "$FOLDER/source"
make -s ARCH=um defconfig
./scripts/config \
    --enable NET --enable UNIX --enable INET --enable HOSTFS --enable TMPFS --enable DEVTMPFS \
    --enable EPOLL --enable SIGNALFD --enable TIMERFD --enable EVENTFD --enable INOTIFY_USER \
    --enable BT --enable BT_LE --enable BT_HCIVHCI --enable CRYPTO_USER_API_HASH \
    --enable CRYPTO_USER_API_SKCIPHER --enable CRYPTO_CMAC --enable CRYPTO_AES --enable CRYPTO_ECB \
    --enable HIGH_RES_TIMERS --disable MODULES --disable DEBUG_INFO --disable UML_NET --disable SOUND
make -s ARCH=um olddefconfig
for wanted in CONFIG_BT=y CONFIG_BT_LE=y CONFIG_BT_HCIVHCI=y CONFIG_HOSTFS=y; do
    grep -q "^$wanted" .config || { echo "This source cannot give $wanted." >&2; exit 1; }
done
make -s ARCH=um -j "$JOBS" linux
strip --strip-debug -o "$FOLDER/linux" linux
echo "Built $FOLDER/linux"
