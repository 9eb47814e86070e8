// A reply's body as Beast's parser fills it: kept, or handed on piece by piece. For http.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/optional/optional.hpp>

#include "net/http.hpp"

namespace curfew::net {

struct ReplyBody {
  struct value_type {  // NOLINT(readability-identifier-naming): Beast's name
    std::string text;
    const TakeBody* take = nullptr;  // of a reply of 2xx, in place of `text`
  };

  class reader {  // NOLINT(readability-identifier-naming): Beast's name
   public:
    template <class Head>
    reader(Head& head, value_type& body)
        : body_(body), succeeded_([&head] { return head.result_int() / 100 == 2; }) {}

    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) {
      error = {};
      takes_ = body_.take != nullptr && *body_.take && succeeded_();
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      std::size_t count = 0;
      for (auto at = boost::asio::buffer_sequence_begin(buffers);
           at != boost::asio::buffer_sequence_end(buffers); ++at) {
        const boost::asio::const_buffer buffer(*at);
        const std::string_view piece(static_cast<const char*>(buffer.data()), buffer.size());
        if (takes_) (*body_.take)(piece);
        else body_.text += piece;
        count += piece.size();
      }
      return count;
    }
    static void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
    std::function<bool()> succeeded_;  // the head is read only after this is made
    bool takes_ = false;
  };
};

}  // namespace curfew::net
