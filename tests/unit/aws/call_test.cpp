#include "aws/core/call.hpp"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class CallTest : public testing::Test, protected SessionFixture {
 protected:
  tl::expected<net::Response, CallFailure> perform_one(bool xml = false, bool once = false) {
    Call call;
    call.once = once;
    call.what = "DoThing";
    call.service = "ec2";
    call.region = "us-east-1";
    call.request.method = "POST";
    call.request.url = *net::parse_url("https://ec2.us-east-1.amazonaws.com/");
    call.request.body = std::string("Action=DoThing");
    call.xml = xml;
    return test::run(perform(*session, std::move(call)));
  }
};

std::string ec2_error(const std::string& code, const std::string& message = "why") {
  return "<Response><Errors><Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error></Errors></Response>";
}

TEST_F(CallTest, SignsWhatItSends) {
  http.then(200, "<R/>");
  ASSERT_TRUE(perform_one());
  const auto& request = http.requests.at(0);
  EXPECT_EQ(test::header_of(request, "X-Amz-Date"), "20261124T180000Z");
  EXPECT_EQ(test::header_of(request, "X-Amz-Security-Token"), "tokensecret");
  EXPECT_TRUE(
      test::header_of(request, "Authorization")
          .starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/ec2/aws4_request"));
}

TEST_F(CallTest, TriesThreeTimesWithLongerPauses) {
  for (int i = 0; i < 3; ++i) http.then(503, "<html>busy</html>");
  const auto response = perform_one();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().error.kind, ErrorKind::unavailable);
  EXPECT_EQ(response.error().status, 503);
  EXPECT_EQ(pauses, (std::vector<Millis>{Millis{25}, Millis{50}}));
  EXPECT_EQ(http.requests.size(), 3U);
  EXPECT_EQ(notes.size(), 2U);
}

TEST_F(CallTest, SucceedsAfterTroubleAndGivesItsQuotaBack) {
  http.then(Error{ErrorKind::unavailable, "connect", "reset", ""});
  http.then(400, ec2_error("RequestLimitExceeded"));
  http.then(200, "<R/>");
  EXPECT_TRUE(perform_one());
  EXPECT_EQ(pauses, (std::vector<Millis>{Millis{25}, Millis{1'000}}));
  EXPECT_EQ(session->quota.left(), 500 - 14);
}

TEST_F(CallTest, AsksAgainForAReplyThatCantBeRead) {
  Call call;
  call.what = "DoThing";
  call.service = "ec2";
  call.region = "us-east-1";
  call.request.url = *net::parse_url("https://ec2.us-east-1.amazonaws.com/");
  std::vector<std::string> read;
  call.read = [&](net::Response& response) -> Status {
    read.push_back(std::move(response.body));
    if (read.back() == "whole") return {};
    return fail(ErrorKind::invalid_input, "read the reply", "it is odd");
  };
  http.then(200, "a part");
  http.then(503, "not asked about");
  http.then(200, "whole");
  ASSERT_TRUE(test::run(perform(*session, call)));
  EXPECT_EQ(read, (std::vector<std::string>{"a part", "whole"}));

  for (int i = 0; i < 3; ++i) http.then(200, "a part");
  const auto response = test::run(perform(*session, call));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().error.kind, ErrorKind::unavailable);
  EXPECT_EQ(response.error().error.text(), "DoThing: read the reply: it is odd");
  EXPECT_EQ(http.requests.size(), 6U);
}

// EventBridge Scheduler and other REST services: the code is in a header, the body has at most a message.
TEST_F(CallTest, TakesTheCodeFromAHeader) {
  http.then(404, R"({"Message":"Schedule x does not exist."})",
            {{"x-amzn-ErrorType", "ResourceNotFoundException:http://internal.amazon.com/"}});
  const auto response = perform_one();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().error.code, "ResourceNotFoundException");
  EXPECT_EQ(response.error().error.kind, ErrorKind::not_found);
  EXPECT_EQ(response.error().error.text(), "DoThing: ResourceNotFoundException: Schedule x does not exist.");
  http.then(403, R"({"Message":"no"})");
  EXPECT_EQ(perform_one().error().error.text(), "DoThing: no");
  http.then(429, "", {{"X-Amzn-Errortype", "ThrottlingException"}});
  http.then(200, "<R/>");
  EXPECT_TRUE(perform_one());
}

TEST_F(CallTest, DoesNotRepeatWhatCantComeRight) {
  struct Case {
    int status;
    const char* code;
    ErrorKind kind;
  };
  for (const auto& c : {Case{403, "UnauthorizedOperation", ErrorKind::refused},
                        Case{400, "InvalidInstanceID.NotFound", ErrorKind::not_found},
                        Case{400, "OperationNotPermitted", ErrorKind::refused},
                        Case{400, "InvalidParameterValue", ErrorKind::invalid_input},
                        Case{409, "OperationAborted", ErrorKind::conflict}}) {
    http.then(c.status, ec2_error(c.code));
    const auto response = perform_one();
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().error.kind, c.kind) << c.code;
    EXPECT_EQ(response.error().error.code, c.code);
    EXPECT_EQ(response.error().error.text(), std::string("DoThing: ") + c.code + ": why");
  }
  http.then(Error{ErrorKind::refused, "TLS", "wrong name", ""});
  EXPECT_FALSE(perform_one());
  EXPECT_TRUE(pauses.empty());
}

TEST_F(CallTest, DoesNotTakeARefusalForTheAnswerToAnAttemptBeforeIt) {
  const auto lost = [this] { http.then(Error{ErrorKind::unavailable, "read", "reset", ""}); };
  const auto busy = [this] { http.then(400, ec2_error("RequestLimitExceeded")); };
  const auto refused = [this] { http.then(403, ec2_error("UnauthorizedOperation")); };
  struct Case {
    std::vector<std::function<void()>> replies;
    bool once;
    ErrorKind kind;
  };
  for (const auto& c :
       {Case{{lost, refused}, true, ErrorKind::unavailable},
        Case{{lost, busy, refused}, true, ErrorKind::unavailable},
        Case{{busy, refused}, true, ErrorKind::refused}, Case{{refused}, true, ErrorKind::refused},
        Case{{lost, refused}, false, ErrorKind::refused}}) {
    for (const auto& reply : c.replies) reply();
    const auto response = perform_one(false, c.once);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().error.kind, c.kind) << c.replies.size() << c.once;
    EXPECT_EQ(response.error().error.code, "UnauthorizedOperation");
  }
}

TEST_F(CallTest, HonoursMaxAttempts) {
  environment["AWS_MAX_ATTEMPTS"] = "1";
  make();
  http.then(500);
  EXPECT_FALSE(perform_one());
  EXPECT_EQ(http.requests.size(), 1U);
  environment["AWS_MAX_ATTEMPTS"] = "many";
  make();
  EXPECT_EQ(perform_one().error().error.kind, ErrorKind::invalid_input);
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(CallTest, StopsAtItsTotalLimit) {
  environment["AWS_MAX_ATTEMPTS"] = "100";
  make();
  http.fallback = [&](const net::Request&) -> Result<net::Response> {
    clock.advance(Seconds{7});
    return fail(ErrorKind::timed_out, "x", "y");
  };
  const auto began = clock.boot();
  EXPECT_FALSE(perform_one());
  EXPECT_LT(clock.boot() - began, Seconds{75});
  EXPECT_GT(http.requests.size(), 3U);
  EXPECT_LE(http.limits_seen.back().total, Seconds{60});
}

TEST_F(CallTest, StopsWhenTheQuotaIsSpent) {
  http.fallback = [](const net::Request&) -> Result<net::Response> { return net::Response{500, {}, ""}; };
  for (int i = 0; i < 18; ++i) EXPECT_FALSE(perform_one());
  const auto before = http.requests.size();
  const auto response = perform_one();
  ASSERT_FALSE(response);
  EXPECT_EQ(http.requests.size(), before + 1);
  EXPECT_NE(response.error().error.hint.find("wasn't tried again"), std::string::npos);
}

TEST_F(CallTest, CorrectsTheClockOnceFromTheReplysDate) {
  http.then(400, ec2_error("RequestExpired"), {{"Date", "Tue, 24 Nov 2026 20:00:00 GMT"}});
  http.then(200, "<R/>");
  EXPECT_TRUE(perform_one());
  EXPECT_EQ(test::header_of(http.requests.at(1), "X-Amz-Date"), "20261124T200000Z");
  EXPECT_TRUE(pauses.empty());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("2h"), std::string::npos) << notes[0];

  http.then(403, ec2_error("SignatureDoesNotMatch"), {{"Date", "Tue, 24 Nov 2026 20:00:01 GMT"}});
  EXPECT_FALSE(perform_one());  // the clock is right now: no second correction
  EXPECT_EQ(http.requests.size(), 3U);
}

TEST_F(CallTest, AsksForNewKeysWhenTheyHaveExpired) {
  http.then(400, ec2_error("ExpiredToken"));
  http.then(200, "<R/>");
  EXPECT_TRUE(perform_one());
  http.then(400, ec2_error("ExpiredToken"));
  http.then(400, ec2_error("ExpiredToken"));
  EXPECT_EQ(perform_one().error().error.kind, ErrorKind::refused);
}

TEST_F(CallTest, TakesACutOrFailedDocumentInA200ForAFailure) {
  http.then(200, "<R><a>");
  http.then(200,
            "<Error><Code>InternalError</Code><Message>We encountered an internal error</Message></Error>");
  http.then(200, "<R/>");
  EXPECT_TRUE(perform_one(true));
  EXPECT_EQ(http.requests.size(), 3U);
  http.then(200, "<Error><Code>InvalidPart</Code><Message>m</Message></Error>");
  const auto response = perform_one(true);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().error.code, "InvalidPart");
  EXPECT_EQ(http.requests.size(), 4U);
}

TEST_F(CallTest, NeverShowsASecret) {
  http.then(403,
            ec2_error("SignatureDoesNotMatch", "first line tokensecret\nx-amz-security-token:tokensecret"));
  http.then(403, ec2_error("AccessDenied", "verysecret"));
  for (int i = 0; i < 2; ++i) {
    const auto text = perform_one().error().error.text();
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace curfew::aws
