#!/usr/bin/env bash
# Builds the container image and starts it as compose.yaml does: another user than root, a read-only root, no
# capabilities; and without any network. Then probe.py asks it from inside.
#
#   deploy/check_image.sh            with Docker or Podman, if an engine runs here
#   deploy/check_image.sh            as root on Debian without one: buildah builds, a base image is made by debootstrap
#
# WORK=folder   where the second way keeps its gigabytes (a new folder in /var/tmp, removed at the end)
# KEEP=1        leaves them there: the next run starts from the same base
# TORCH_INDEX   as in the Makefile
set -euo pipefail
cd "$(dirname "$0")/.."
torch_index=${TORCH_INDEX:-}

say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

with_engine() {
  local engine=$1 name="attnviz-check-$$"
  say "Building with $engine"
  "$engine" build --build-arg "TORCH_INDEX=$torch_index" --tag attnviz .
  say "Starting"
  trap "'$engine' rm --force '$name' >/dev/null" EXIT
  "$engine" run --detach --name "$name" --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
    --network none attnviz
  "$engine" exec --interactive "$name" .venv/bin/python - <deploy/probe.py
}

for engine in docker podman; do
  if "$engine" info >/dev/null 2>&1; then
    with_engine "$engine"
    exit
  fi
done

# ---- without an engine -------------------------------------------------------------------------------------------
for tool in buildah debootstrap unshare setpriv ip; do
  command -v "$tool" >/dev/null || {
    echo "There is no container engine here, and no $tool. On Debian: apt install buildah debootstrap util-linux iproute2" >&2
    exit 1
  }
done
[ "$(id -u)" = 0 ] || { echo "Without a container engine this check needs to be root." >&2; exit 1; }

work=${WORK:-$(mktemp -d /var/tmp/attnviz-image.XXXXXX)}
mkdir -p "$work"
tidy() {
  [ -n "${container:-}" ] && build_tool umount "$container" >/dev/null 2>&1 && build_tool rm "$container" >/dev/null
  [ -n "${KEEP:-}" ] || rm -rf "$work"
}
build_tool() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
trap tidy EXIT

base=localhost/python:3.11-slim
if ! build_tool inspect --type image "$base" >/dev/null 2>&1; then
  say "Making a base image"
  rm -rf "$work/base"
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "${SUITE:-bookworm}" "$work/base" \
    >"$work/debootstrap.log" || { tail -5 "$work/debootstrap.log" >&2; exit 1; }
  from=$(build_tool from scratch)
  build_tool add --quiet "$from" "$work/base" / >/dev/null
  build_tool commit --quiet --rm "$from" "$base" >/dev/null
  rm -rf "$work/base"
fi

# pip inside the build is set up as pip is here: its settings as one file, and every local path that they name.
volumes=()
while IFS= read -r path; do volumes+=(--volume "$path:$path:ro"); done < <(
  python3 -m pip config list | python3 -c '
import ast, sys
from pathlib import Path
options = {}
for line in sys.stdin:
    name, value = line.rstrip("\n").split("=", 1)
    options[name.split(".", 1)[1]] = ast.literal_eval(value)
named = set()
for value in options.values():
    for word in value.split():
        # an index on disk keeps its files beside the folder that lists them
        path = Path(word.removeprefix("file://")).parent if word.startswith("file://") else Path(word)
        if path.is_absolute() and path.exists():
            named.add(str(path))
lines = ["[global]"]
for name, value in options.items():
    lines.append(name + " = " + "\n  ".join(value.split()))
Path(sys.argv[1]).write_text("\n".join(lines) + "\n")
print("\n".join(sorted(named)))
' "$work/pip.conf"
)
volumes+=(--volume "$work/pip.conf:/etc/pip.conf:ro")

say "Building"
build_tool bud --isolation chroot --format docker --build-arg "BASE=$base" --build-arg "TORCH_INDEX=$torch_index" \
  "${volumes[@]}" --tag attnviz .

say "Starting"
container=$(build_tool from attnviz)
root=$(build_tool mount "$container")
# What the image says of itself: user, folder, number of variables, variables, command
mapfile -t -d '' config < <(build_tool inspect --type image attnviz | python3 -c '
import json, sys
config = json.load(sys.stdin)["Docker"]["config"]
environment = config["Env"]
if not any(setting.startswith("PATH=") for setting in environment):
    environment.append("PATH=/usr/local/bin:/usr/bin:/bin")
for word in (config["User"], config["WorkingDir"], str(len(environment)), *environment, *config["Cmd"]):
    sys.stdout.write(word + "\0")
')
export ROOT=$root IMAGE_USER=${config[0]} FOLDER=${config[1]}

# A mount, network and process namespace of its own: the root bound read-only, /tmp in memory, nothing but loopback.
unshare --mount --net --pid --fork --kill-child bash -euo pipefail -c '
  ENVIRONMENT=("${@:2:$1}")
  shift $(($1 + 1))
  mount --make-rprivate /
  mount --bind "$ROOT" "$ROOT"
  mount -t proc proc "$ROOT/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
  for device in null zero full random urandom; do touch "$ROOT/dev/$device" && mount --bind "/dev/$device" "$ROOT/dev/$device"; done
  mkdir -m 1777 "$ROOT/dev/shm" && mount -t tmpfs tmpfs "$ROOT/dev/shm"
  mount -o remount,ro,bind "$ROOT"
  ip link set lo up
  inside() {
    setpriv --no-new-privs chroot --userspec="$IMAGE_USER:$IMAGE_USER" --groups= "$ROOT" \
      env --ignore-environment "${ENVIRONMENT[@]}" sh -c "cd $FOLDER && exec \"\$@\"" sh "$@"
  }
  inside "$@" &
  server=$!
  inside "$FOLDER/.venv/bin/python" - <deploy/probe.py
  kill "$server"
  wait "$server" || true
' check "${config[@]:2}"
say "Done"
