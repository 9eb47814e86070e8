// What `curfew run --help` says.
#include "cli/run_options.hpp"

namespace curfew::cli {

const std::string_view k_run_help = R"(Usage: curfew run [options] -- COMMAND [ARG...]
       curfew run [options] --shell "STRING"     # pipes and && as typed
       curfew run [options] --pid PID            # a process that runs already
       curfew run --idle-gpu TIME [options]      # no command: a notebook or SSH machine

Runs a training command and makes sure that this machine ends when the work ends: when the command exits, crashes, hangs
or reaches a limit, results are saved to S3 and the EC2 instance ends itself.

How long it may take:
  --max-time TIME      limit from now: 90m, 4h, 1h30m (default 4h; `off`: no limit)
  --max-hours N        the same in hours
  --deadline WHEN      stop at this time: 2026-11-24T18:00Z
  --max-cost DOLLARS   what the machine may cost from its launch until it's gone: instance, EBS volumes, public IPv4
  --price DOLLARS      an hour of the instance, where the list price isn't yours (else tag curfew:price, list price)
  --grace TIME         between SIGTERM and SIGKILL to the whole process tree (default 60s)
  --signal NAME@TIME   a signal to the command so long before it's stopped, for a checkpoint: USR1@10m

What else ends it:
  --idle-gpu TIME[:P%] all GPUs were below P percent (default 5) for so long, once one had been busy; without a
                       command: and nothing was typed at a terminal, from the start on
  --jupyter URL        without a command: and no kernel of this Jupyter server was used. The token: in JUPYTER_TOKEN, or
                       as ?token= in the URL
  --idle-gpu-any       one idle GPU is enough
  --gpu-start TIME     no GPU was ever busy for so long
  --stall TIME         nothing was written to stdout, stderr or below --stall-path for so long
  --stall-path DIR     see --stall
  --done-file PATH     the work is done when this file appears, even if the command never exits
  --done-pattern REGEX the work is done when the command prints a line that matches
  --spot-notice WHEN   EC2's notices: auto (interruptions on spot instances, planned maintenance on all), on, off

What is kept:
  --save SRC=s3://BUCKET/PREFIX
                       save this file or folder at the end; may be repeated
  --save-limit TIME    saving is given up after this (default 15m)
  --save-every TIME    also save while the command runs, what changed and isn't being written just then
  --before-end CMD     run CMD with a shell after the job has ended and before results are saved
  --before-end-limit TIME
                       CMD is killed after this (default 2m)
  --keep-on-failure TIME
                       after a failed command keep the machine for so long, to be looked at

How it ends, and what is said:
  --then WHAT          what ends the machine: auto, terminate, stop, none (default auto: terminate where the instance
                       has the tag curfew:job, else what its owner set for an OS shutdown; nothing off EC2)
  --dry-run            do everything but end the machine, and say what would have been done
  --notify WHERE       tell when it starts, is near its limit, stalls, can't be saved, and ends: a Slack-compatible
                       https:// URL or sns:ARN; or ssm:/PARAMETER, env:NAME, file:PATH with one; may be repeated
  --log FILE           also write each decision with its reason there
  --log-format FORMAT  text or json (default text)
  --quiet              no lines of curfew's own on stderr

The machine is gone by: start + max time + grace + before-end limit + save limit. Exit code: the command's own; 128+N
signal N; 75 spot interruption; 124 a limit was reached (time, cost, idle, stalled, GPU unused); 125 curfew failed or
results were not saved; 126 can't be run; 127 not found.

Defaults are read from /etc/curfew/config.toml and ~/.config/curfew/config.toml; `curfew config` shows them.

Examples:
  curfew run --max-time 8h --save model/=s3://my-bucket/run7 -- python train.py --epochs 50
  curfew run --max-cost 20 --save-every 10m --save ckpt/=s3://my-bucket/run7 --notify file:$HOME/.slack -- ./train.sh
  curfew run --idle-gpu 30m --gpu-start 20m --stall 45m --keep-on-failure 30m -- ./train.sh
  curfew run --idle-gpu 30m --max-time 8h --jupyter http://127.0.0.1:8888/
  curfew run --deadline 2026-11-25T06:00Z --then stop --shell "make data && python train.py | tee train.log"
)";

}  // namespace curfew::cli
