// By the places that a policy of `curfew setup` names.
#include "setup/role_view.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace curfew::setup {
namespace {

constexpr std::string_view k_parameters = "/curfew/";

bool is_below(const std::string& key, std::string_view prefix) {
  return prefix.empty() ||
         (key.starts_with(prefix) && (key.size() == prefix.size() || key[prefix.size()] == '/'));
}

// Of setup's buckets, in whichever region: folders by their first part.
bool is_in_own(const Place& place, const aws::S3Location& where,
               std::initializer_list<std::string_view> folders) {
  if (!where.bucket.starts_with("curfew-" + place.account + "-")) return false;
  return std::any_of(folders.begin(), folders.end(),
                     [&where](std::string_view folder) { return is_below(where.key, folder); });
}

bool is_in(const std::vector<aws::S3Location>& places, const aws::S3Location& where) {
  return std::any_of(places.begin(), places.end(), [&where](const aws::S3Location& place) {
    return place.bucket == where.bucket && is_below(where.key, place.key);
  });
}

std::string named(const std::vector<aws::S3Location>& places) {
  std::string text;
  for (const auto& place : places) text += ", " + printable(place.text(), 300);
  return text;
}

Error lacks(std::string what, std::string cause, std::string hint) {
  return {ErrorKind::refused, std::move(what), std::move(cause), std::move(hint), {}};
}

void judge(const Place& place, const JobPlaces& places, const RoleNeeds& needs, RoleView& view) {
  const std::string role(k_instance_role);
  const std::string unless = ", unless the bucket's policy lets it";
  for (const auto& where : needs.writes)
    if (!is_in_own(place, where, {"jobs", "results"}) && !is_in(places.results, where))
      view.doubtful.push_back(
          lacks("--save to " + where.text(), "the role " + role + " may not write there" + unless,
                "`curfew setup --results " + where.text() + " --apply` lets it; or save below s3://" +
                    place.bucket() + "/results/"));
  for (const auto& where : needs.reads)
    if (!is_in_own(place, where, {"jobs", "results", "bin"}) && !is_in(places.results, where) &&
        !is_in(places.data, where))
      view.doubtful.push_back(lacks("--data from " + where.text(),
                                    "the role " + role + " may not read there" + unless,
                                    "`curfew setup --data " + where.text() + " --apply` lets it"));
  for (const auto& name : needs.parameters)
    if (!name.starts_with(k_parameters))
      view.out_of_reach.push_back(
          lacks("the parameter ssm:" + name, "the role " + role + " may not read it",
                "it reads those below /curfew/; or give it ssm:GetParameter of this one by a "
                "policy of your own"));
}

}  // namespace

RoleView view_role(const Place& place, const RoleFound& role, const RoleNeeds& needs) {
  RoleView view;
  if (!role.role || !role.policy || !role.policies) {
    const auto& error = !role.role     ? role.role.error()
                        : !role.policy ? role.policy.error()
                                       : role.policies.error();
    view.may.push_back("unknown: " + error.text());
    return view;
  }
  if (!*role.role) return view;  // told as missing by who looked for its profile
  std::string others;
  for (const auto& name : *role.policies)
    if (name != k_role_policy) others += (others.empty() ? "" : ", ") + printable(name, 130);
  const auto document = role.policy->value_or("");
  const auto places = places_in(document);
  const bool is_ours = is_same_policy(document, instance_policy(place, places));
  if (!is_ours) {
    view.may.push_back(
        "what its own policies say" + (others.empty() ? "" : ": " + others) +
        (document.empty() ? "" : "; not what this curfew's setup gives: `curfew setup` compares"));
    return view;
  }
  const auto own = "s3://curfew-" + place.account + "-*/";
  view.may.push_back("read " + own + "{bin,jobs,results}/" + named(places.results) + named(places.data) +
                     ", and ssm:/curfew/*");
  view.may.push_back("write " + own + "{jobs,results}/" + named(places.results));
  view.may.push_back("end this instance: no other, no tags, no schedules, no other role" +
                     (others.empty() ? "" : "; and what these policies say: " + others));
  if (others.empty()) judge(place, places, needs, view);
  return view;
}

}  // namespace curfew::setup
