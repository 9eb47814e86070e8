// The whole of a person's terminal, for a page that is drawn over and over, and how a program that does so ends: at once,
// with the terminal as it was.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::os {

// SIGINT and SIGTERM end the process at once with this code, whatever it's doing; before the first call, and the other
// signals always, with their own effect. A signal that was ignored (nohup) stays so.
void exit_on_signals_with(int code);

// Takes stdout's terminal (its alternate screen, so that what was there comes back), hides the cursor, and reads stdin's
// keys one by one without showing them, where that is a terminal and ours. All of it is as before after `leave`, the
// destructor, exit_on_signals_with(), a crash; while it's stopped (^Z) too. After SIGKILL it can't be. One at a time.
class Screen {
 public:
  Screen() = default;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() { leave(); }

  void enter();
  void leave();
  // Lines, each cut at the edge, as many as there's room for; over what was there.
  [[nodiscard]] Status draw(std::string_view page) const;
  // A key that was pressed, waiting so long at most; 0: none. Returns early when was_resized() is true.
  [[nodiscard]] char wait_for_key(Millis limit) const;
  // Since it was asked last: the page has to be drawn anew.
  [[nodiscard]] bool was_resized() const;

 private:
  bool active_ = false;
};

}  // namespace curfew::os
