#!/usr/bin/env bash
# Runs a training command on this EC2 instance and ends the instance when it's over: the classic wrapper's command line,
# with `curfew run` behind it.
#
#   auto_terminate_after_training.sh "COMMAND" [MAX_HOURS]
#   auto_terminate_after_training.sh --help
#
#   COMMAND     one text for a shell: pipes and && as typed
#   MAX_HOURS   it's stopped after so long (default 4; 0.5 is half an hour)
#
#   nohup scripts/auto_terminate_after_training.sh "python train.py && aws s3 sync models/ s3://my-bucket/models/" 4 &
#
# The same as: curfew run --log /tmp/auto_terminate.log --max-hours MAX_HOURS --shell "COMMAND"
# What is decided and why stands in /tmp/auto_terminate.log; the command's own output passes through. Results can be saved
# by the command, or by `save` in curfew's configuration file, where the command's failure doesn't keep them back.
#
# An instance with the tag curfew:job is terminated; on any other the setting for an OS shutdown decides, and a line at the
# start says what that is. To terminate all the same: then = "terminate" below [run] in ~/.config/curfew/config.toml.
#
# It needs the program curfew: in this script's folder, in ../build/release, or in PATH. Exit code: the command's own, 124 a
# limit was reached, 125 bad usage or not saved, 127 there is no curfew; the rest: curfew run --help.
set -euo pipefail

refuse() {
  printf '%s: %s\n%s\n' "$(basename -- "$0")" "$*" 'usage: auto_terminate_after_training.sh "COMMAND" [MAX_HOURS]' >&2
  exit 125
}

case ${1-} in
  -h | --help)
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  '') refuse "there is no command" ;;
  -*) refuse "'$1' is no command, and the only option is --help; curfew run has more of them" ;;
esac
(($# <= 2)) || refuse "too many words: the command is one, in quotes"
[[ -n ${2-4} ]] || refuse "MAX_HOURS is empty"

here=$(dirname -- "$(readlink -f -- "$0")")
# Only for the search: the job keeps the PATH that it was given.
if ! curfew=$(PATH=$here:$here/../build/release:$PATH && command -v curfew); then
  printf '%s: there is no curfew in %s, ../build/release or PATH; nothing was started\n' "$(basename -- "$0")" "$here" >&2
  exit 127
fi
exec "$curfew" run --log /tmp/auto_terminate.log ${2+--max-hours "$2"} --shell "$1"
