// Who is connected to the shim's socket: let in by who they are, dropped when they don't keep up or talk nonsense.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "os/shim_channel.hpp"

namespace curfew::shim {

enum class Role : std::uint8_t { unknown, guard, front };

struct Client {
  os::Channel channel;
  bool may_guard = false;  // root or the shim's own user
  Role role = Role::unknown;
  bool hung_up = false;   // gone, with packets left that there's no room for yet
  bool told_all = false;  // has got tree_gone, or not_started
};

class Clients {
 public:
  static constexpr std::size_t k_most = 8;
  static constexpr std::ptrdiff_t k_most_of_job = 4;  // the job's user can't keep the guard out

  // Makes the socket, mode 0600; one that is there already was left by a shim that died.
  [[nodiscard]] Status listen(const std::string& path);
  // From now on a front end of the job's user may connect.
  [[nodiscard]] Status admit(uid_t job_user);
  void close();

  [[nodiscard]] int fd() const { return listening_.get(); }
  [[nodiscard]] bool listening() const { return static_cast<bool>(listening_); }
  // Each guard and front end that is connected has heard how it all ended.
  [[nodiscard]] bool all_told() const;
  // Takes those who wait, a few at most. Foreigners, and whoever is one too many, find their connection closed.
  void accept();

  // Sends to one; drops it where it doesn't take the packet. False if it was dropped.
  bool tell(std::size_t which, os::FromShim type, std::string_view text);

  [[nodiscard]] std::optional<Client>& at(std::size_t which) { return all_[which]; }
  [[nodiscard]] const std::optional<Client>& at(std::size_t which) const { return all_[which]; }
  void drop(std::size_t which) { all_[which].reset(); }

 private:
  os::Fd listening_;
  std::string path_;
  std::optional<uid_t> job_user_;
  std::array<std::optional<Client>, k_most> all_;
};

}  // namespace curfew::shim
