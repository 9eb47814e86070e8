// The words between shim, guard and front end, and the JSON of the job's description and of its exit.
#include "os/shim_channel.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace curfew::os {
namespace json = boost::json;

namespace {

// Arguments, environment and paths are bytes, not UTF-8: the parser must let them pass as they are.
Result<json::object> parse_object(std::string_view text, const char* what) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  json::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(ErrorKind::invalid_input, what, error.message());
  if (!value.is_object()) return fail(ErrorKind::invalid_input, what, "is not a JSON object");
  return std::move(value.as_object());
}

std::string to_hex(std::string_view bytes) {
  static constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += k_digits[byte >> 4U];
    text += k_digits[byte & 15U];
  }
  return text;
}

std::string from_hex(std::string_view text) {
  const auto digit = [](char c) -> unsigned {
    return static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c - '0') & 15U;
  };
  std::string bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    bytes += static_cast<char>(digit(text[at]) << 4U | digit(text[at + 1]));
  return bytes;
}

// Reads members of one JSON object; remembers the first that is missing or of the wrong type.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  std::string text(const char* name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_string()) return {value->as_string().data(), value->as_string().size()};
    return bad(name), std::string{};
  }
  bool flag(const char* name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_bool()) return value->as_bool();
    return bad(name), false;
  }
  template <class T>
  T number(const char* name) {
    const json::value* value = find(name);
    if (value != nullptr) {
      json::error_code error;
      const T result = value->to_number<T>(error);
      if (!error) return result;
    }
    return bad(name), T{};
  }
  template <class Each>
  void list(const char* name, Each each) {
    const json::value* value = find(name);
    if (value == nullptr || !value->is_array()) return bad(name);
    for (const json::value& item : value->as_array())
      if (!each(item)) return bad(name);
  }
  [[nodiscard]] Status status(const char* what) const {
    if (bad_.empty()) return {};
    return fail(ErrorKind::invalid_input, what, "\"" + bad_ + "\" is missing or malformed");
  }

 private:
  [[nodiscard]] const json::value* find(const char* name) const { return object_.if_contains(name); }
  void bad(const char* name) {
    if (bad_.empty()) bad_ = name;
  }

  const json::object& object_;
  std::string bad_;
};

bool add_text(const json::value& item, std::vector<std::string>& to) {
  if (!item.is_string()) return false;
  to.emplace_back(item.as_string().data(), item.as_string().size());
  return true;
}

json::array texts(const std::vector<std::string>& from) {
  json::array array;
  for (const std::string& text : from) array.emplace_back(json::string_view(text.data(), text.size()));
  return array;
}

constexpr std::string_view name_of(ExitRecord::How how) {
  switch (how) {
    case ExitRecord::How::not_started: return "not_started";
    case ExitRecord::How::exited: return "exited";
    case ExitRecord::How::signalled: return "signalled";
  }
  return "exited";
}

constexpr std::size_t k_most_descriptors = 4;

}  // namespace

std::string to_json(const JobSpec& spec) {
  json::array groups;
  for (const gid_t group : spec.groups) groups.emplace_back(group);
  json::array limits;
  for (const auto& [resource, limit] : spec.limits)
    limits.emplace_back(json::array{resource, std::uint64_t{limit.rlim_cur}, std::uint64_t{limit.rlim_max}});
  return json::serialize(json::object{
      {"argv", texts(spec.argv)},
      {"cwd", spec.cwd},
      {"env", texts(spec.env)},
      {"umask", spec.umask},
      {"uid", spec.uid},
      {"gid", spec.gid},
      {"groups", groups},
      {"limits", limits},
      {"stdin_tty", spec.stdin_tty},
      {"stdout_tty", spec.stdout_tty},
      {"stderr_tty", spec.stderr_tty},
      {"one_output", spec.one_output},
      {"rows", spec.rows},
      {"columns", spec.columns},
      {"terminal_settings", to_hex(spec.terminal_settings)},
      {"output_bytes", spec.output_bytes},
  });
}

Result<JobSpec> job_spec_from_json(std::string_view text) {
  static constexpr const char* k_what = "read the job's description";
  const auto object = parse_object(text, k_what);
  if (!object) return tl::unexpected(object.error());
  Members members(*object);
  JobSpec spec;
  members.list("argv", [&](const json::value& item) { return add_text(item, spec.argv); });
  members.list("env", [&](const json::value& item) { return add_text(item, spec.env); });
  members.list("groups", [&](const json::value& item) {
    json::error_code error;
    spec.groups.push_back(item.to_number<gid_t>(error));
    return !error;
  });
  members.list("limits", [&](const json::value& item) {
    if (!item.is_array() || item.as_array().size() != 3) return false;
    json::error_code error;
    const json::array& three = item.as_array();
    const int resource = three[0].to_number<int>(error);
    if (error) return false;
    rlimit limit{};
    limit.rlim_cur = three[1].to_number<rlim_t>(error);
    if (error) return false;
    limit.rlim_max = three[2].to_number<rlim_t>(error);
    spec.limits.emplace_back(resource, limit);
    return !error;
  });
  spec.cwd = members.text("cwd");
  spec.umask = members.number<mode_t>("umask");
  spec.uid = members.number<uid_t>("uid");
  spec.gid = members.number<gid_t>("gid");
  spec.stdin_tty = members.flag("stdin_tty");
  spec.stdout_tty = members.flag("stdout_tty");
  spec.stderr_tty = members.flag("stderr_tty");
  spec.one_output = members.flag("one_output");
  spec.rows = members.number<std::uint16_t>("rows");
  spec.columns = members.number<std::uint16_t>("columns");
  spec.terminal_settings = from_hex(members.text("terminal_settings"));
  spec.output_bytes = members.number<std::uint64_t>("output_bytes");
  if (const Status read = members.status(k_what); !read) return tl::unexpected(read.error());
  if (spec.argv.empty()) return fail(ErrorKind::invalid_input, k_what, "it names no command");
  return spec;
}

std::string to_json(const ExitRecord& record) {
  const std::string_view how = name_of(record.how);
  return json::serialize(json::object{
      {"how", json::string_view(how.data(), how.size())},
      {"number", record.number},
      {"why", record.why},
      {"ended_ms", record.ended_ms},
      {"boot_id", record.boot_id},
  });
}

Result<ExitRecord> exit_record_from_json(std::string_view text) {
  static constexpr const char* k_what = "read the job's exit record";
  const auto object = parse_object(text, k_what);
  if (!object) return tl::unexpected(object.error());
  Members members(*object);
  ExitRecord record;
  const std::string how = members.text("how");
  record.number = members.number<int>("number");
  record.why = members.text("why");
  record.ended_ms = members.number<std::int64_t>("ended_ms");
  record.boot_id = members.text("boot_id");
  if (const Status read = members.status(k_what); !read) return tl::unexpected(read.error());
  for (const auto known :
       {ExitRecord::How::not_started, ExitRecord::How::exited, ExitRecord::How::signalled}) {
    if (how == name_of(known)) {
      record.how = known;
      return record;
    }
  }
  return fail(ErrorKind::invalid_input, k_what, "\"how\" is " + printable(how));
}

Status Channel::send(char type, std::string_view text, const std::vector<int>& fds) {
  static constexpr const char* k_what = "send to the other side of the job's socket";
  if (text.size() + 1 > k_largest_message || fds.size() > k_most_descriptors)
    return fail(ErrorKind::invalid_input, k_what, "the message is too long");
  std::array<iovec, 2> parts{{{&type, 1}, {const_cast<char*>(text.data()), text.size()}}};
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * k_most_descriptors)> control{};
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * fds.size());
  }
  for (;;) {
    if (::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ETOOMANYREFS)
      return fail(ErrorKind::unavailable, k_what, "its queue is full");
    return fail_errno(k_what, errno);
  }
}

Result<std::optional<Message>> Channel::receive() {
  static constexpr const char* k_what = "receive from the job's socket";
  std::array<char, k_largest_message> buffer;  // not zeroed: 64 KiB for each small message would be felt
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * k_most_descriptors)> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do got = ::recvmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<Message>{};
  if (got < 0) return fail(ErrorKind::unavailable, k_what, std::strerror(errno));

  Message message;
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t at = 0; at < count; ++at) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(each) + at * sizeof(int), sizeof fd);
      message.fds.emplace_back(fd);
    }
  }
  // An empty packet can't be told from the end; nobody of ours sends one.
  if (got == 0) return fail(ErrorKind::unavailable, k_what, "the other side has gone");
  if ((header.msg_flags & MSG_TRUNC) != 0)
    return fail(ErrorKind::invalid_input, k_what, "the message is too long");
  message.type = buffer[0];
  message.text.assign(buffer.data() + 1, static_cast<std::size_t>(got) - 1);
  return std::optional<Message>{std::move(message)};
}

Result<Fd> open_socket(const std::string& path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorKind::invalid_input, "use the socket " + path,
                "the path is longer than a socket's may be", "choose a shorter run folder");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail_errno("make a socket", errno);
  return fd;
}

Result<Channel> connect_to_shim(const JobPaths& paths) {
  sockaddr_un address{};
  auto fd = open_socket(paths.shim_socket(), address);
  if (!fd) return tl::unexpected(std::move(fd.error()));
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EAGAIN)
      return fail(ErrorKind::unavailable, "connect to " + paths.shim_socket(), "it is busy");
    return fail_errno("connect to " + paths.shim_socket(), errno);
  }
  return Channel(std::move(*fd));
}

}  // namespace curfew::os
