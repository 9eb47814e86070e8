#!/usr/bin/env bash
# Launches an EC2 instance that trains and can't outlive its job: the classic launcher's command line, with `curfew launch`
# behind it.
#
#   launch_training_with_auto_terminate.sh [--spot] [--instance-type TYPE] [--max-hours N] [OPTION]... [JOB.toml | -- COMMAND]
#   launch_training_with_auto_terminate.sh --help
#
#   --spot                 a spot instance (default: on demand)
#   --instance-type TYPE   default: INSTANCE_TYPE, else g5.xlarge; several with commas
#   --max-hours N          the command is stopped after so long (default 4)
#   OPTION                 any other of `curfew launch --help`: --workdir, --repo, --setup, --data, --save, --dry-run, …
#
#   AMI_ID=ami-0123456789abcdef0 KEY_NAME=me SECURITY_GROUP=sg-0123456789abcdef0 SUBNET_ID=subnet-0123456789abcdef0 \
#     scripts/launch_training_with_auto_terminate.sh --spot --instance-type g5.xlarge --max-hours 4 \
#     --repo https://github.com/me/train --setup 'pip install -r requirements.txt' -- python3 train.py
#
# From the environment, each of them where the option isn't given: AMI_ID (--image; default: AWS's Deep Learning image),
# KEY_NAME (--key-name), SECURITY_GROUP (--security-group), SUBNET_ID (--subnet), TRAINING_COMMAND (--shell). They hold over
# a job file's keys. Without a command and a job file it takes the job.toml of the folder it's called in.
#
# `curfew setup --apply` makes, once, what every launch needs beside that. This script needs the program curfew: in its own
# folder, in ../build/release, or in PATH. Exit code: 125 nothing launched, or ended again; 127 there is no curfew; the rest:
# curfew launch --help.
set -euo pipefail

case ${1-} in
  -h | --help)
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac

here=$(dirname -- "$(readlink -f -- "$0")")
if ! curfew=$(PATH=$here:$here/../build/release:$PATH && command -v curfew); then
  printf '%s: there is no curfew in %s, ../build/release or PATH; nothing was launched\n' "$(basename -- "$0")" "$here" >&2
  exit 127
fi

# Which options are typed, so that the environment gives the others alone; what stands after -- belongs to the command.
typed=' ' has_command='' has_file=''
for word; do
  case $word in
    -- | --shell | --shell=*) has_command=yes ;;
    --init | --init=* | --clean-up) exec "$curfew" launch "$@" ;;
    -* | *=*) ;;
    *.toml) has_file=yes ;;
  esac
  [[ $word != -- ]] || break
  typed+="${word%%=*} "
done

words=()
# from_environment OPTION VALUE
from_environment() {
  if [[ -n $2 && $typed != *" $1 "* ]]; then words+=("$1" "$2"); fi
}

from_environment --image "${AMI_ID-}"
from_environment --key-name "${KEY_NAME-}"
from_environment --security-group "${SECURITY_GROUP-}"
from_environment --subnet "${SUBNET_ID-}"
if [[ -z $has_command && -n ${TRAINING_COMMAND-} ]]; then
  words+=(--shell "$TRAINING_COMMAND")
  has_command=yes
fi
if [[ -z $has_command && -z $has_file && -e job.toml ]]; then
  words+=(job.toml)
  has_file=yes
fi
if [[ -z $has_command && -z $has_file ]]; then
  printf '%s: there is nothing to train: give -- COMMAND, TRAINING_COMMAND or a job file (curfew launch --init)\n' \
    "$(basename -- "$0")" >&2
  exit 125
fi
# A job file says itself which types it wants.
default_type=g5.xlarge
[[ -z $has_file ]] || default_type=''
from_environment --instance-type "${INSTANCE_TYPE:-$default_type}"
exec "$curfew" launch "${words[@]}" "$@"
