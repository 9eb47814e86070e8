#include "aws/core/xml.hpp"

#include <gtest/gtest.h>

namespace curfew::aws {
namespace {

TEST(Xml, TakesAWholeDocumentWithTheRightRoot) {
  const auto xml =
      Xml::parse("<?xml version=\"1.0\"?>\n<R xmlns=\"urn:x\"><a> 1 &amp; &#65; </a></R>\n", "R");
  ASSERT_TRUE(xml) << xml.error().text();
  EXPECT_EQ(child_text(xml->root(), "a"), "1 & A");
  EXPECT_EQ(child_text(xml->root(), "b"), "");
}

TEST(Xml, RefusesWhatIsCutForeignOrDeep) {
  for (const auto* bad :
       {"", "<R>", "<R><a></R>", "<R><a>x</a", "plain", "<S></S>", "<R/><R/>", "<html>", "{\"a\":1}"})
    EXPECT_FALSE(Xml::parse(bad, "R")) << bad;
  std::string deep = "<R>";
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_FALSE(Xml::parse(deep + "</R>", "R"));
}

TEST(Xml, ExpandsNoEntitiesOfADoctype) {
  const auto xml =
      Xml::parse("<!DOCTYPE R [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><R><a>&x;</a></R>", "R");
  if (xml) {
    EXPECT_EQ(child_text(xml->root(), "a"), "&x;");
  }
}

TEST(ApiError, IsFoundInEachForm) {
  struct Case {
    const char* body;
    const char* code;
    const char* message;
  };
  const Case cases[] = {
      {"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are "
       "not\nallowed</Message></Error></Errors>"
       "<RequestID>x</RequestID></Response>",
       "UnauthorizedOperation", "You are not"},
      {"<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>",
       "NoSuchBucket", "gone"},
      {"<ErrorResponse "
       "xmlns=\"x\"><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>m</Message></Error>"
       "</ErrorResponse>",
       "ExpiredToken", "m"},
      {"<ErrorResponse><Errors><Error><Code>AuthFailure</Code><Message>m</Message></Error></Errors></"
       "ErrorResponse>",
       "AuthFailure", "m"},
      {R"({"__type":"com.amazonaws.scheduler#ConflictException","message":"exists"})", "ConflictException",
       "exists"},
      {R"({"__type":"ThrottlingException:http://x","Message":"slow"})", "ThrottlingException", "slow"},
      {R"({"message":"Forbidden"})", "", "Forbidden"},
  };
  for (const auto& c : cases) {
    const auto error = find_api_error(c.body);
    ASSERT_TRUE(error) << c.body;
    EXPECT_EQ(error->code, c.code);
    EXPECT_EQ(error->message, c.message);
  }
  for (const auto* none : {"", "<html><body>Internal Server Error</body></html>", "<Error></Error>", "<R/>",
                           "[1]", "{", "<Error>", "<!DOCTYPE html><html>"})
    EXPECT_FALSE(find_api_error(none)) << none;
}

TEST(ApiError, IsMadeSafeToShow) {
  const auto error = find_api_error(
      "<Error><Code>A\x1b[31m</Code><Message>b\x1b[0m</Message><Region>evil.com/</Region></Error>");
  if (error) {
    EXPECT_EQ(error->code.find('\x1b'), std::string::npos);
    EXPECT_EQ(error->message.find('\x1b'), std::string::npos);
    EXPECT_EQ(error->region, "");
  }
  const auto region = find_api_error("<Error><Code>A</Code><Region>eu-west-1</Region></Error>");
  EXPECT_EQ(region->region, "eu-west-1");
  const auto long_one =
      find_api_error("<Error><Code>A</Code><Message>" + std::string(5000, 'x') + "</Message></Error>");
  EXPECT_LE(long_one->message.size(), 410U);
}

}  // namespace
}  // namespace curfew::aws
