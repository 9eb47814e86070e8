// The kernel shows the memory that argv points to (proc(5), /proc/PID/cmdline), so that is what is written over.
#include "cli/conceal.hpp"

#include <cstring>
#include <string_view>

namespace curfew::cli {
namespace {

void conceal_tokens(char* word) {
  static constexpr std::string_view k_name = "token=";
  for (char* found = std::strstr(word, k_name.data()); found != nullptr;
       found = std::strstr(found, k_name.data())) {
    found += k_name.size();
    for (; *found != '\0' && *found != '&' && *found != '#'; ++found) *found = '*';
  }
}

// A webhook's path is its password.
void conceal_path(char* url) {
  char* host = std::strstr(url, "://");
  if (host == nullptr) return;
  char* path = std::strchr(host + 3, '/');
  if (path == nullptr) return;
  for (++path; *path != '\0'; ++path) *path = '*';
}

// NAME=VALUE of `curfew launch --env`.
void conceal_value(char* variable) {
  char* value = std::strchr(variable, '=');
  if (value == nullptr) return;
  for (++value; *value != '\0'; ++value) *value = '*';
}

}  // namespace

void conceal_secrets(int argc, char** argv) {
  static constexpr std::string_view k_notify = "--notify";
  for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    conceal_tokens(argv[i]);
    const std::string_view word(argv[i]);
    if (word.starts_with("--env=")) conceal_value(argv[i] + std::strlen("--env="));
    else if (i > 1 && std::strcmp(argv[i - 1], "--env") == 0) conceal_value(argv[i]);
    if (word.starts_with("--notify=") || (i > 1 && k_notify == argv[i - 1])) conceal_path(argv[i]);
  }
}

}  // namespace curfew::cli
