#!/bin/sh
# The first process inside the rig's kernel: file systems, D-Bus, controllers, bluetoothd, then the work.
# It gets its orders in the environment from the kernel's command line: see run.sh.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t tmpfs lib /var/lib/bluetooth 2>/dev/null
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /run/dbus
mount -t tmpfs shm /dev/shm
ip link set lo up
cp "$RIG_ROOT/deploy/raspberry-pi/main.conf" /tmp/main.conf
[ -f /etc/bluetooth/main.conf ] && mount --bind /tmp/main.conf /etc/bluetooth/main.conf
cd "$RIG_ROOT" || exit 1

dbus-daemon --system --nofork --nopidfile >/tmp/dbus.log 2>&1 &
"$RIG_PYTHON" -m hub.devices.virtual.pitch --athletes "$RIG_STRAPS" --adapters "$RIG_ADAPTERS" --port 9700 \
    $(echo "$RIG_PITCH" | tr , ' ') >/tmp/pitch.log 2>&1 </dev/null &
until grep -q ready /tmp/pitch.log 2>/dev/null; do sleep 0.2; done
"$RIG_PYTHON" -m tests.rigs.kernel.controllers 9700 "$RIG_ADAPTERS" >/tmp/controllers.log 2>&1 &
until [ "$(ls /sys/class/bluetooth 2>/dev/null | wc -l)" -ge "$RIG_ADAPTERS" ]; do sleep 0.2; done
/usr/libexec/bluetooth/bluetoothd --experimental >/tmp/bluetoothd.log 2>&1 &
sleep 2
for adapter in /sys/class/bluetooth/hci*; do
    echo "$(basename "$adapter") is there"
done
for number in $(seq 0 $((RIG_ADAPTERS - 1))); do
    "$RIG_PYTHON" -m tests.rigs.kernel.power "hci$number" || cat /tmp/bluetoothd.log
done
echo "kernel $(uname -r), bluetoothd $(/usr/libexec/bluetooth/bluetoothd --version), up $(cut -d' ' -f1 /proc/uptime) s"
case "$RIG_WORK" in
radio-test)
    TOUCHLINE_DATA=/tmp/data "$RIG_PYTHON" -m hub.cli radio-test --listen 10 --hold "$RIG_SECONDS"
    ;;
hub)
    "$RIG_PYTHON" -m benchmarks.devices --inside \
        "{\"folder\":\"/tmp/data\",\"port\":9700,\"straps\":$RIG_STRAPS,\"adapters\":$RIG_ADAPTERS,\"seconds\":$RIG_SECONDS,\"backend\":\"bluez\"}"
    ;;
shell)
    sh
    ;;
esac
echo "status $?"
[ "$RIG_LOGS" = 1 ] && tail -n 40 /tmp/*.log
sync
poweroff -f 2>/dev/null || echo o >/proc/sysrq-trigger
