// What `curfew launch --help` says.
#include "cli/launch_options.hpp"

namespace curfew::cli {

const std::string_view k_launch_help = R"(Usage: curfew launch [JOB.toml] [options] -- COMMAND [ARG...]
       curfew launch [JOB.toml] [options] --shell "STRING"    # pipes and && as typed
       curfew launch --init [JOB.toml]             # write a commented job file
       curfew launch --clean-up                    # end what an earlier launch left half made

Launches an EC2 instance that runs COMMAND under `curfew run`, saves its results to S3 and can't outlive it: an OS timer, the
guard, systemd and an EventBridge schedule each end it. Shows the plan first, with what it may cost.

What to launch:
  --instance-type T[,T...]   tried cheapest first, while EC2 has no capacity
  --spot, --on-demand, --spot-then-on-demand
                             how to pay (default --on-demand); spot instances are one-time
  --wait-capacity TIME       where there's no capacity at all, ask again for so long
  --image IMAGE              ami-…, ssm:/PARAMETER, or auto: AWS's Deep Learning base image for types with GPUs, else
                             Ubuntu 22.04 (default auto). Or by name, the newest: 'my-train-*' of your own and AWS's,
                             OWNER:NAME of another account's
  --disk GB                  of the root volume (default 100, or what the image needs)
  --region R[,R...], --zone Z[,Z...]
                             where (default: AWS_REGION, or the profile's; all its zones that offer the type)
  --subnet ID, --security-group ID, --key-name NAME
                             default: the default VPC; --security-group may be repeated
  --instance-profile NAME    the instance's role: reads --staging, writes where --save says
  --staging s3://BUCKET/PREFIX
                             where curfew and the job are put for the instance to fetch
                             (defaults of these, of --scheduler-role and of --security-group: what `curfew setup` made)

When it ends:
  --max-time TIME            the command is stopped after this: 90m, 4h (default 4h; with --max-cost alone: none)
  --max-hours N              the same in hours
  --max-cost DOLLARS         what the machine may cost until it's gone: instance, disks, public IPv4
  --scheduler-role ARN       the role that EventBridge Scheduler takes to end the instance
  --no-schedule              do without that layer: then nothing outside the instance ends it

What it does:
  --name JOB                 its name (default: the command's)
  --user NAME                whom the job runs as (default: the image's ordinary user: ubuntu, ec2-user, …)
  --workdir DIR              pack this folder (what git tracks or would add) and run the job in it
  --repo URL[@REF]           or clone this, at a branch, tag or commit; --repo-token ssm:/PARAMETER for a private one
  --setup CMD                run this with a shell before training; may be repeated
  --data s3://BUCKET/PREFIX=PATH
                             bring this before training; may be repeated
  --env NAME=VALUE           a variable for the job; may be repeated. Not in user data, but in the staging bucket
  --secret NAME=ssm:/PARAMETER
                             a variable for COMMAND alone, read on the instance; may be repeated
  --fetch-limit, --setup-limit, --data-limit TIME
                             how long these stages may take (default 15m, 30m, 1h)
  --save PATH=s3://BUCKET/PREFIX
                             save this file or folder at the end; may be repeated
  --save-every TIME          and while the job runs, what has changed: 10m
  --notify WHERE             tell when it starts, is near its limit, stalls, can't be saved, and ends: sns:ARN, or
                             ssm:/PARAMETER that holds a Slack-compatible https URL; may be repeated

  --follow                   then print the job's logs until it's over, and exit with its exit code, as `curfew wait` does;
                             Ctrl-C ends that alone, and the job goes on
  --retry N                  with --follow: where EC2 takes the instance back, launch it again from what it has saved, up to N
                             times, with the time and money that are left
  -d, --detach               don't (default): `curfew logs JOB -f` does it later, from anywhere
  --dry-run                  show the plan, ask EC2 whether it would be allowed, make nothing
  --yes                      don't ask where the worst case is above --confirm-above
  --confirm-above DOLLARS    default 25
  --profile NAME             of ~/.aws, for the credentials

Exit code: 0 launched and guarded; 125 not launched, or ended again; 130 interrupted by Ctrl-C, and ended again. With
--follow, once it's launched, that of `curfew wait`; 130 no longer followed.

Examples:
  curfew launch --spot --instance-type g5.xlarge,g6.xlarge --max-time 4h --workdir . \
      --setup "pip install -r requirements.txt" --save model/=s3://my-bucket/run7 -- python3 train.py
  curfew launch job.toml --max-time 2h
  curfew launch --dry-run --instance-type m5.large --max-cost 2 --no-schedule --instance-profile trainer \
      --staging s3://my-bucket/curfew -- python3 -c 'print("hello")'
)";

}  // namespace curfew::cli
