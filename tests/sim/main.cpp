// curfew_sim: runs the guard's policy through seeded worlds, and says the seed of one that breaks an invariant.
//
//   curfew_sim --runs 10000               as ctest does; fails as well where a cause or an event never came
//   curfew_sim --seed 42 --runs 1 --verbose   replays one, with a trace
//   curfew_sim --alone                    without L0 and L2: the guard alone holds the bound
//   curfew_sim --self-test                broken policies must be caught
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "broken.hpp"
#include "world.hpp"

namespace curfew::sim {
namespace {

constexpr std::uint64_t k_first_seed = 1;
constexpr std::uint64_t k_self_test_runs = 5000;
constexpr std::uint64_t k_runs_that_show_all = 10'000;  // fewer may leave out what is rare

struct Options {
  std::uint64_t runs = 1000;
  std::uint64_t seed = k_first_seed;
  bool verbose = false;
  bool alone = false;
  bool self_test = false;
};

std::optional<Options> options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--verbose") options.verbose = true;
    else if (word == "--alone") options.alone = true;
    else if (word == "--self-test") options.self_test = true;
    else if ((word == "--runs" || word == "--seed") && i + 1 < argc) {
      const auto number = parse_number(argv[++i]);
      if (!number) return {};
      (word == "--runs" ? options.runs : options.seed) = *number;
    } else return {};
  }
  return options;
}

struct Counts {
  std::uint64_t ended = 0, ended_by_other = 0, beyond_us = 0, saved = 0, reboots = 0, restarts = 0;
  Coverage coverage;
};

std::optional<Violation> run_one(std::uint64_t seed, const Options& options, const StepFunction& step,
                                 Counts& counts) {
  const Scenario scenario = scenario_of(seed, options.alone);
  World world{scenario, step, counts.coverage, options.verbose};
  try {
    world.run();
  } catch (const Violation& violation) {
    return violation;
  }
  const Truth& truth = world.truth();
  counts.ended += truth.machine_ended ? 1 : 0;
  counts.ended_by_other += truth.ended_by_other ? 1 : 0;
  counts.beyond_us += world.is_beyond_us() ? 1 : 0;
  counts.saved += truth.is_saved ? 1 : 0;
  counts.reboots += static_cast<std::uint64_t>(truth.reboots);
  counts.restarts += static_cast<std::uint64_t>(truth.guard_starts - 1);
  return {};
}

// Whether there was everything that there is to be seen.
bool has_shown_all(const Coverage& coverage, bool alone) {
  const auto missing = coverage.missing(alone);
  for (const auto& what : missing) std::printf("NEVER CAME  %s\n", what.c_str());
  if (missing.empty())
    std::printf("each cause, event, action, stage and fault came; the rarest: %s\n",
                coverage.rarest(alone).c_str());
  return missing.empty();
}

int run_all(const Options& options) {
  Counts counts;
  for (std::uint64_t i = 0; i < options.runs; ++i) {
    const std::uint64_t seed = options.seed + i;
    if (const auto violation = run_one(seed, options, guard::step, counts)) {
      std::printf("seed %llu breaks invariant %d: %s\nreplay: curfew_sim --seed %llu --runs 1 --verbose%s\n",
                  static_cast<unsigned long long>(seed), violation->invariant, violation->text.c_str(),
                  static_cast<unsigned long long>(seed), options.alone ? " --alone" : "");
      return 1;
    }
  }
  std::printf(
      "%llu runs from seed %llu hold: %llu machines ended (%llu by L0, L2 or another's hand), %llu had "
      "nobody left "
      "but L3, %llu saved, %llu reboots, %llu restarts of the guard\n",
      static_cast<unsigned long long>(options.runs), static_cast<unsigned long long>(options.seed),
      static_cast<unsigned long long>(counts.ended), static_cast<unsigned long long>(counts.ended_by_other),
      static_cast<unsigned long long>(counts.beyond_us), static_cast<unsigned long long>(counts.saved),
      static_cast<unsigned long long>(counts.reboots), static_cast<unsigned long long>(counts.restarts));
  if (options.runs < k_runs_that_show_all) return 0;
  return has_shown_all(counts.coverage, options.alone) ? 0 : 1;
}

int self_test(const Options& options) {
  int missed = 0;
  for (const auto& broken : broken_policies()) {
    std::optional<Violation> violation;
    std::uint64_t runs = 0;
    Counts counts;
    do {
      violation = run_one(options.seed + runs++, options, broken.step, counts);
    } while ((!violation || violation->invariant != broken.invariant) && runs < k_self_test_runs);
    if (violation && violation->invariant == broken.invariant) {
      std::printf("caught  %-40s after %4llu runs, invariant %2d: %s\n", broken.name.c_str(),
                  static_cast<unsigned long long>(runs), violation->invariant, violation->text.c_str());
    } else {
      std::printf("MISSED  %s, by invariant %d\n", broken.name.c_str(), broken.invariant);
      ++missed;
    }
  }
  return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace curfew::sim

int main(int argc, char** argv) {
  const auto options = curfew::sim::options_of(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: curfew_sim [--runs N] [--seed S] [--alone] [--verbose] [--self-test]\n");
    return 2;
  }
  return options->self_test ? curfew::sim::self_test(*options) : curfew::sim::run_all(*options);
}
