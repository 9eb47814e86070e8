#!/usr/bin/env bash
# Shows the running EC2 instances of every region, what they cost and which need attention: the classic check's command line,
# with `curfew check` behind it.
#
#   check_running_instances.sh [OPTION]...
#   check_running_instances.sh --help
#
#   OPTION   any of `curfew check --help`: --region, --warn 2h, --crit 6h, --notify, …
#
# In a crontab with MAILTO, there's a mail where something needs attention:
#
#   0 * * * * out=$(/opt/curfew/scripts/check_running_instances.sh) || printf '\%s\n' "$out"
#
# It needs the program curfew: in this script's folder, in ../build/release, or in PATH. Exit code: how many instances need
# attention, at most 100; 101 something could not be read, 102 no credentials, 103 bad usage, 127 there is no curfew.
set -euo pipefail

case ${1-} in
  -h | --help)
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac

here=$(dirname -- "$(readlink -f -- "$0")")
if ! curfew=$(PATH=$here:$here/../build/release:$PATH && command -v curfew); then
  printf '%s: there is no curfew in %s, ../build/release or PATH; nothing was looked at\n' "$(basename -- "$0")" "$here" >&2
  exit 127
fi
exec "$curfew" check "$@"
