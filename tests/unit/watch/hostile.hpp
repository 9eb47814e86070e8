// Names as somebody would choose them who wants to harm whoever reads them.
#pragma once

#include <string>
#include <vector>

namespace curfew::watch {

inline std::vector<std::string> hostile_names() {
  return {"\033[2J\033]0;owned\007name",
          "<script>alert(1)</script>&amp;",
          "one, two",
          "say \"hello\"",
          "line\none\r\ntwo",
          "back\\slash\\",
          "=cmd|' /C calc'!A0",
          "+1+1",
          "-1",
          "@SUM(1)",
          "\t=1+1",
          " =1+1",
          "＝1+1",
          "\xff\xfe\xc3",
          "\u009b31m",
          "\u202egnp.exe",
          "学習用サーバー🚀",
          std::string("nul\0nul", 7),
          "'; rm -rf / #",
          "{{constructor}} ${x} %n%s",
          std::string(10'240, 'x'),
          std::string(10'240, '\033'),
          std::string(5'000, '"')};
}

}  // namespace curfew::watch
