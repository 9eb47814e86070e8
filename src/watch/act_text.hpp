// Acts as lines for people, and commands to be copied. Pure; fit to be shown.
#pragma once

#include <string>

#include "watch/act.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

// "i-0123 (train-7b) in us-east-1": without an account where that is empty.
[[nodiscard]] std::string place_of(const std::string& id, const std::string& name, const std::string& region,
                                   const std::string& account);

// One line: what it is, for how long it has run, whose it is.
[[nodiscard]] std::string about(const Machine& machine, WallTime now);
// Sets the Auto Scaling group that it's in to nothing; to be copied.
[[nodiscard]] std::string group_command(const Machine& machine, const std::string& profile);

// One line: "would terminate i-… in us-east-1: past its deadline …", "terminated …; seen shutting-down", "FAILED to …".
[[nodiscard]] std::string act_text(const Act& act, Enforced::Mode mode, bool with_account);
// "i-… in us-east-1: kept by its tag …".
[[nodiscard]] std::string left_alone_text(const LeftAlone& left, bool with_account);
// "--enforce: dry run; with --yes it would end 2 instances".
[[nodiscard]] std::string enforced_title(const Enforced& enforced, bool unread);

// "curfew stop i-… --region us-east-1", with --account and --profile where the report was read so.
[[nodiscard]] std::string stop_command_of(const Machine& machine, const Report& report);
// With the AWS CLI; empty for an instance of another account, for which it has no credentials.
[[nodiscard]] std::string aws_command_of(const Machine& machine, const Report& report);

}  // namespace curfew::watch
