// Takes secrets out of this process's command line, which `ps` shows to everybody.
#pragma once

namespace curfew::cli {

// Overwrites, in place and before any "--", what follows "token=", the path of a URL that --notify is given, and
// the value of a variable that --env is given. The words
// must have been copied before.
void conceal_secrets(int argc, char** argv);

}  // namespace curfew::cli
