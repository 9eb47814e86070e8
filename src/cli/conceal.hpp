// Takes secrets out of this process's command line, which `ps` shows to everybody.
#pragma once

namespace curfew::cli {

// Overwrites, in place, what follows "token=" in each word before "--". The words must have been copied before.
void conceal_tokens(int argc, char** argv);

}  // namespace curfew::cli
