// Takes secrets out of this process's command line, which `ps` shows to everybody.
#pragma once

namespace curfew::cli {

// Overwrites, in place and before any "--", what follows "token=", and the path of a URL that --notify is given. The words
// must have been copied before.
void conceal_secrets(int argc, char** argv);

}  // namespace curfew::cli
