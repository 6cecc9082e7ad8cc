#!/usr/bin/env bash
# Installs or updates the hub on Raspberry Pi OS (Debian 12 or newer) from the folder it lies in. Run it with sudo.
# It leaves recorded data, /etc/touchline/hub.env and BlueZ's own settings alone.
set -euo pipefail

source_dir="$(cd "$(dirname "$0")/../.." && pwd)"
target=/opt/touchline

if [ "$(id -u)" -ne 0 ]; then
    echo "Installing needs root: run sudo $0" >&2
    exit 1
fi

echo "1/5 Debian packages: python3-venv, bluez"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv bluez >/dev/null

echo "2/5 the user touchline, which owns the data and nothing else"
id touchline >/dev/null 2>&1 || useradd --system --home-dir /var/lib/touchline --no-create-home --shell /usr/sbin/nologin touchline

echo "3/5 the program in $target"
install -d "$target" /etc/touchline
for name in hub sync cloud; do
    rm -rf "${target:?}/$name"
    cp -r "$source_dir/$name" "$target/$name"
done
cp "$source_dir"/{pyproject.toml,README.md,LICENSE} "$source_dir/deploy/raspberry-pi/requirements.lock" "$target/"

echo "4/5 its dependencies, checked by digest (some minutes on a Pi)"
[ -x "$target/.venv/bin/pip" ] || python3 -m venv "$target/.venv"
"$target/.venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$target/requirements.lock"
PYTHONWARNINGS=ignore "$target/.venv/bin/python" -m pip install -qq --disable-pip-version-check \
    --no-deps --no-build-isolation -e "$target"

echo "5/5 the service"
install -m 644 "$source_dir/deploy/raspberry-pi/touchline-hub.service" /etc/systemd/system/touchline-hub.service
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable touchline-hub
    systemctl restart touchline-hub
    echo "The hub is at http://$(hostname).local:8000 (journalctl -u touchline-hub shows the set-up code)."
else
    echo "systemd does not run here: start $target/.venv/bin/touchline-hub run yourself."
fi
