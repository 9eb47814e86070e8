// What `curfew ps --help`, `logs`, `wait`, `result` and `ssh --help` say.
#include "cli/jobs_options.hpp"

namespace curfew::cli {

const std::string_view k_ps_help = R"(Usage: curfew ps [options]

Shows the jobs that `curfew launch` has launched, the newest first: state and stage, how long they have run, how much time is
left, what they have cost so far, how long ago they printed and saved something, and where they run. Read from the staging
bucket and EC2; nothing on this machine is needed but credentials. It changes nothing.

  --all                  all launches (default: the newest 30)
  --newest N             so many
  --format FORMAT        table (default) or json; docs/jobs.md lists its fields
  --staging s3://BUCKET/PREFIX
                         as given to `curfew launch` (default: the bucket that `curfew setup` made)
  --region R             of that bucket (default: AWS_REGION, or the profile's); instances are found in any
  --profile NAME         of ~/.aws, for the credentials

States: launching, starting, running, stopping, saving, ending, ended (with the job's exit code), failed (before the job
could run), interrupted (EC2 took the instance back), lost (the instance is gone without a last word), overdue (it should be
gone, and isn't), never launched, unknown.

Exit code: 0 shown; 101 something could not be read; 102 no credentials; 125 bad usage, or curfew failed.

Examples:
  curfew ps
  curfew ps --format json | jq '.jobs[] | select(.over | not) | .launch'
)";

const std::string_view k_logs_help = R"(Usage: curfew logs JOB [-f] [options]

Prints what a launched job has printed: its stages (secrets, fetch, setup, data, train), one after another. JOB is a launch's
id, a job's name (its newest launch) or an instance's id. While the job runs, text is some 15 s old.

  -f, --follow           go on until the job is over; Ctrl-C ends that, not the job
  --stage NAME           this stage alone, or `guard`: what curfew itself says on the instance; may be repeated
  --tail N               begin with the last N lines
  --raw                  as it is (default where stdout is no terminal). On a terminal colours stay, and what could act on
                         the terminal is left out
  --staging s3://BUCKET/PREFIX, --region R, --profile NAME
                         where to look, as for `curfew ps`

Exit code: 0 printed; 1 there is no such job, or it has no log (yet); 102 no credentials; 125 bad usage, or curfew failed.
It is not the job's: that is `curfew wait`.

Examples:
  curfew logs digits -f
  curfew logs 20261127-101500-4f2a9c0d1e2f3a4b5c6d7e8f --stage setup
)";

const std::string_view k_wait_help = R"(Usage: curfew wait JOB [options]

Waits until a launched job is over, and exits with its exit code. JOB is a launch's id, a job's name (its newest launch) or
an instance's id. Once it's found, failures of the network are waited out.

  --timeout TIME         give up after this: 90m, 4h
  --quiet                say nothing
  --staging s3://BUCKET/PREFIX, --region R, --profile NAME
                         where to look, as for `curfew ps`

Exit code: the job's own; never 0 unless it ended by itself with 0, and all that it was to save is saved. 75 EC2 took its instance back,
or the instance is gone without a last word; 124 the job hit its limit, or --timeout was up (a line on stderr says which);
125 curfew failed, on the instance or here, or whether results are saved isn't known; 102 no credentials.

Examples:
  curfew wait digits && curfew result digits
  curfew wait i-0123456789abcdef0 --timeout 6h
)";

const std::string_view k_result_help = R"(Usage: curfew result JOB [--to DIR] [options]

Brings what a launched job has saved (its --save) to this machine: each saved PATH goes to DIR/PATH. Files are checked against
what S3 keeps of them; what is here already and unchanged isn't fetched again. JOB is a launch's id, a job's name (its newest
launch) or an instance's id.

  --to DIR               the folder (default: the job's name, here)
  --list                 only show what there is
  --force                replace files that are here already and were changed, or never came by this command
  --staging s3://BUCKET/PREFIX, --region R, --profile NAME
                         where to look, as for `curfew ps`

Exit code: 0 all that was saved is here; 1 there is nothing, or no such job, or not all of it: a file here stands in the way,
or the job could not save all; 102 no credentials; 125 bad usage, or curfew failed.

Examples:
  curfew result digits --to results/
  curfew result digits --list
)";

const std::string_view k_ssh_help = R"(Usage: curfew ssh JOB [options]

Opens a shell on the instance of a launched job: by ssh where it was launched with --key-name and has a public address, else
by Session Manager (`aws ssm start-session`, which needs the AWS CLI with its plugin here, and the policy
AmazonSSMManagedInstanceCore on the instance's role). The command is shown first. JOB is a launch's id, a job's name (its
newest launch) or an instance's id.

  --print                only print the command
  --ssm                  by Session Manager in any case
  --user NAME            whom ssh logs in as (default: ubuntu, or what the image is made for)
  --key FILE             ssh's key (default: ~/.ssh/KEY_NAME.pem or ~/.ssh/KEY_NAME)
  --staging s3://BUCKET/PREFIX, --region R, --profile NAME
                         where to look, as for `curfew ps`

Exit code: that of the command; 0 printed; 1 there is no such job, or it has no running instance; 102 no credentials; 125 bad
usage, curfew failed, or the command isn't there.

Examples:
  curfew ssh digits
  curfew ssh digits --print
)";

const std::string_view k_retry_help = R"(Usage: curfew retry JOB [options]

Launches a job again that was interrupted, lost or failed: with the options and the packed folder of its last launch, beginning
from what its --save has brought to S3 (its last checkpoint), in another pool first than the one that was lost. It has the time
and money that are left of the first launch, never more: it ends no later, and what the last launch can have cost at most is
taken off --max-cost. JOB is a launch's id, a job's name (its newest launch) or an instance's id.

Refused, with nothing made: while the job isn't over, where it has ended well, and where no time or money is left.

  -f, --follow           follow it to its end, and exit with its exit code
  --retry N              with --follow: again up to N times, should EC2 take its instance back
  --dry-run              show the plan, ask EC2 whether it would be allowed, make nothing
  --confirm-above D      ask above so many dollars in the worst case (default: 25)
  --yes                  don't ask
  --staging s3://BUCKET/PREFIX, --region R, --profile NAME
                         where to look, as for `curfew ps`

Exit code: 0 launched; with --follow the job's own, as of `curfew wait`; 1 there is no such job; 102 no credentials; 125 not
launched, or bad usage; 130 interrupted.

Examples:
  curfew retry digits
  curfew retry digits --follow --retry 3
)";

}  // namespace curfew::cli
