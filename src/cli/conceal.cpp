// The kernel shows the memory that argv points to (proc(5), /proc/PID/cmdline), so that is what is written over.
#include "cli/conceal.hpp"

#include <cstring>

namespace curfew::cli {

void conceal_tokens(int argc, char** argv) {
  static constexpr const char* k_name = "token=";
  for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    for (char* found = std::strstr(argv[i], k_name); found != nullptr; found = std::strstr(found, k_name)) {
      found += std::strlen(k_name);
      for (; *found != '\0' && *found != '&' && *found != '#'; ++found) *found = '*';
    }
  }
}

}  // namespace curfew::cli
