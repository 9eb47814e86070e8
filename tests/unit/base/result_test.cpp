#include "base/result.hpp"

#include <cerrno>

#include <gtest/gtest.h>

namespace curfew {
namespace {

TEST(Error, is_one_line_with_cause_and_hint) {
  EXPECT_EQ((Error{ErrorKind::system, "read /x", "no such file", "make it"}.text()),
            "read /x: no such file (make it)");
  EXPECT_EQ((Error{ErrorKind::system, "read /x", "", ""}.text()), "read /x");
  EXPECT_EQ((Error{ErrorKind::system, "", "no such file", ""}.text()), "no such file");
}

TEST(Error, context_is_put_in_front) {
  EXPECT_EQ((Error{ErrorKind::system, "read /x", "gone", ""}.within("start").text()), "start: read /x: gone");
  EXPECT_EQ((Error{ErrorKind::system, "", "gone", ""}.within("start").text()), "start: gone");
}

TEST(Error, kind_follows_from_errno) {
  const auto kind = [](int number) { return fail_errno("x", number).value().kind; };
  EXPECT_EQ(kind(ENOENT), ErrorKind::not_found);
  EXPECT_EQ(kind(EACCES), ErrorKind::refused);
  EXPECT_EQ(kind(ENOSPC), ErrorKind::no_space);
  EXPECT_EQ(kind(ETIMEDOUT), ErrorKind::timed_out);
  EXPECT_EQ(kind(EBUSY), ErrorKind::conflict);
  EXPECT_EQ(kind(ECONNREFUSED), ErrorKind::unavailable);
  EXPECT_EQ(kind(EINVAL), ErrorKind::invalid_input);
  EXPECT_EQ(kind(EIO), ErrorKind::system);
}

}  // namespace
}  // namespace curfew
