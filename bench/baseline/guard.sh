#!/usr/bin/env bash
# The kind of wrapper people write today to end a training instance: start the command, look at its PID every few
# seconds, copy the results, shut the machine down, and call TerminateInstances in case that only stopped it.
# The benchmarks and the fault tests run it beside curfew. It is written as well as such scripts are by someone
# careful; what it doesn't do (outlive itself, notice a hang, wait for children) is what the comparison is about.
#
#   guard.sh [-e] [-t SECONDS] [-i SECONDS] [-g SECONDS] [-l FILE] [-o DIR -b s3://BUCKET/PREFIX] -- COMMAND…
#
#   -t  time limit, then SIGTERM (default: none)     -g  from SIGTERM to SIGKILL (default 30)
#   -i  how often the PID is looked at (default 10)  -l  log file (default guard.log)
#   -o  folder with the results                      -b  where they go in S3
#   -e  really end the machine; without it the ending is only logged, so that trying this on a desk costs nothing
#
# Environment: AWS (the AWS CLI, default aws), IMDS (default http://169.254.169.254).
set -uo pipefail

AWS=${AWS:-aws}
IMDS=${IMDS:-http://169.254.169.254}
end='' limit=0 interval=10 grace=30 log_file=guard.log results='' bucket=''

usage() { sed -n '6,14s/^# \{0,1\}//p' "$0" >&2; }

while getopts 'et:i:g:l:o:b:h' option; do
  case $option in
    e) end=1 ;;
    t) limit=$OPTARG ;;
    i) interval=$OPTARG ;;
    g) grace=$OPTARG ;;
    l) log_file=$OPTARG ;;
    o) results=$OPTARG ;;
    b) bucket=$OPTARG ;;
    *)
      usage
      exit 2
      ;;
  esac
done
shift $((OPTIND - 1))
if (($# == 0)) || [[ -n $results && -z $bucket ]] || [[ -z $results && -n $bucket ]]; then
  usage
  exit 2
fi

log() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*" | tee -a "$log_file"; }

imds() {
  local token
  token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$IMDS/latest/api/token") || return 1
  curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$IMDS/latest/meta-data/$1"
}

upload() {
  [[ -n $results ]] || return 0
  local attempt
  for attempt in 1 2 3; do
    log "copying $results to $bucket (attempt $attempt)"
    "$AWS" s3 cp --recursive --only-show-errors "$results" "$bucket" >>"$log_file" 2>&1 && return 0
    sleep 5
  done
  log "copying $results failed, the results are lost with the disk"
  return 1
}

end_machine() {
  if [[ -z $end ]]; then
    log "without -e: would shut down and terminate now"
    return
  fi
  # Asked for before the shutdown, which may take the network away.
  local id region
  id=$(imds instance-id) || log "no instance id from IMDS"
  region=$(imds placement/region) || log "no region from IMDS"

  log "shutting down"
  shutdown -h now >>"$log_file" 2>&1 || log "shutdown failed"

  if [[ -n $id && -n $region ]]; then
    log "terminating $id in $region"
    "$AWS" ec2 terminate-instances --region "$region" --instance-ids "$id" >>"$log_file" 2>&1 ||
      log "terminate-instances failed"
  fi
}

# The command in a process group of its own, so that the time limit reaches its children too.
setsid "$@" >>"$log_file" 2>&1 &
pid=$!
started=$SECONDS
log "started PID $pid: $*"
trap 'log "asked to stop"; kill -TERM -- "-$pid" 2>/dev/null' INT TERM

timed_out=''
while kill -0 "$pid" 2>/dev/null; do
  if ((limit > 0 && SECONDS - started >= limit)); then
    log "time limit of $limit s reached, stopping PID $pid"
    timed_out=1
    kill -TERM -- "-$pid" 2>/dev/null
    for ((waited = 0; waited < grace; ++waited)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 1
    done
    kill -KILL -- "-$pid" 2>/dev/null
    break
  fi
  sleep "$interval"
done
wait "$pid"
status=$?
[[ -z $timed_out ]] || status=124
log "training ended with status $status after $((SECONDS - started)) s"

upload
end_machine
exit "$status"
