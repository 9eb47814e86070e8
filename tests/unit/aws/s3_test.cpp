#include "aws/s3.hpp"

#include <gtest/gtest.h>

#include "aws/core/hash.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class S3Test : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<S3> s3_ = make_s3(*session, "us-east-1");
  S3Location at_{"results", "run 1/a+b.pt"};

  Result<std::string> put(std::string text, Metadata metadata = {}) {
    return test::run(s3_->put(at_, std::move(text), "", std::move(metadata)));
  }
};

const std::vector<net::Header> k_etag{{"ETag", "\"abc\""}};

TEST_F(S3Test, PutsWithAChecksum) {
  http.then(200, "", k_etag);
  EXPECT_EQ(put("text", {{"mtime", "17"}}), "abc");
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.url.host, "results.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(request.url.target, "/run%201/a%2Bb.pt");
  EXPECT_EQ(test::header_of(request, "x-amz-checksum-sha256"), sha256_base64("text"));
  EXPECT_EQ(test::header_of(request, "X-Amz-Content-SHA256"), sha256_hex("text"));
  EXPECT_EQ(test::header_of(request, "x-amz-meta-mtime"), "17");
}

TEST_F(S3Test, RefusesBadArgumentsUnsent) {
  EXPECT_FALSE(put("x", {{"Upper", "v"}}));
  EXPECT_FALSE(put("x", {{"name", "line\nbreak"}}));
  EXPECT_FALSE(put("x", {{"name", std::string(3000, 'x')}}));
  EXPECT_FALSE(test::run(s3_->put({"Bad_Bucket", "k"}, std::string("x"), "", Metadata{})));
  EXPECT_FALSE(test::run(s3_->put(at_, net::FileSlice{0, 0, 10}, "", Metadata{})));
  EXPECT_FALSE(test::run(s3_->put(at_, std::string("x"), "no base64", Metadata{})));
  EXPECT_FALSE(test::run(s3_->put_part(at_, "id", 0, std::string("x"), "")));
  EXPECT_FALSE(test::run(s3_->put_part(at_, "id", 10'001, std::string("x"), "")));
  EXPECT_FALSE(test::run(s3_->complete_multipart(at_, "id", std::vector<Part>{})));
  EXPECT_TRUE(http.requests.empty());
}

TEST_F(S3Test, FollowsARedirectToTheBucketsRegionOnceAndRemembersIt) {
  http.then(307, "", {{"x-amz-bucket-region", "eu-west-1"}, {"Location", "https://evil.example/"}});
  http.then(200, "", k_etag);
  http.then(200, "", k_etag);
  EXPECT_TRUE(put("x"));
  EXPECT_TRUE(put("x"));
  EXPECT_EQ(http.requests[1].url.host, "results.s3.eu-west-1.amazonaws.com");
  EXPECT_NE(test::header_of(http.requests[1], "Authorization").find("/eu-west-1/s3/"), std::string::npos);
  EXPECT_EQ(http.requests[2].url.host, "results.s3.eu-west-1.amazonaws.com");

  http.then(400,
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>us-west-2</Region></"
            "Error>");
  http.then(301, "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>",
            {{"x-amz-bucket-region", "sa-east-1"}});
  const auto twice = put("x");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, "PermanentRedirect");
  EXPECT_EQ(http.requests.size(), 5U);

  http.then(307, "", {{"x-amz-bucket-region", "evil.example/"}});
  EXPECT_FALSE(put("x"));
  EXPECT_EQ(http.requests.size(), 6U);
}

TEST_F(S3Test, UploadsInParts) {
  http.then(200,
            "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>a/b+c=</UploadId>"
            "</InitiateMultipartUploadResult>");
  EXPECT_EQ(test::run(s3_->start_multipart(at_, Metadata{})), "a/b+c=");
  EXPECT_EQ(http.requests[0].url.target, "/run%201/a%2Bb.pt?uploads=");
  EXPECT_EQ(test::header_of(http.requests[0], "x-amz-checksum-algorithm"), "SHA256");

  http.then(200, "", k_etag);
  const auto part = test::run(s3_->put_part(at_, "a/b+c=", 2, std::string("part"), ""));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->etag, "abc");
  EXPECT_EQ(part->sha256, sha256_base64("part"));
  EXPECT_EQ(http.requests[1].url.target, "/run%201/a%2Bb.pt?partNumber=2&uploadId=a%2Fb%2Bc%3D");

  http.then(200,
            "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>");
  std::vector<Part> parts{*part, {1, "first", "sum"}};
  EXPECT_EQ(test::run(s3_->complete_multipart(at_, "id", parts)), "e-2");
  EXPECT_EQ(test::body_of(http.requests[2]),
            "<CompleteMultipartUpload "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><ETag>&quot;first&quot;</ETag>"
            "<ChecksumSHA256>sum</ChecksumSHA256><PartNumber>1</PartNumber></"
            "Part><Part><ETag>&quot;abc&quot;</ETag>"
            "<ChecksumSHA256>" +
                sha256_base64("part") +
                "</ChecksumSHA256><PartNumber>2</PartNumber></Part>"
                "</CompleteMultipartUpload>");
  // There the header is the object's checksum, not the body's: S3 refuses one that doesn't match (BadDigest).
  EXPECT_EQ(test::header_of(http.requests[2], "x-amz-checksum-sha256"), "");
  EXPECT_EQ(test::header_of(http.requests[2], "X-Amz-Content-SHA256"),
            sha256_hex(test::body_of(http.requests[2])));
}

TEST_F(S3Test, SeesAFailureInACompletionsTwoHundred) {
  const std::vector<Part> parts{{1, "e", ""}};
  http.then(200,
            "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>try again</Message></Error>");
  http.then(200, "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>");
  EXPECT_EQ(test::run(s3_->complete_multipart(at_, "id", parts)), "e");
  http.then(200, "<Error><Code>InvalidPart</Code><Message>m</Message></Error>");
  EXPECT_EQ(test::run(s3_->complete_multipart(at_, "id", parts)).error().code, "InvalidPart");
}

TEST_F(S3Test, AbortsAndIsFineWhenItIsGone) {
  http.then(204);
  EXPECT_TRUE(test::run(s3_->abort_multipart(at_, "id")));
  http.then(404, "<Error><Code>NoSuchUpload</Code><Message>m</Message></Error>");
  EXPECT_TRUE(test::run(s3_->abort_multipart(at_, "id")));
  http.then(403, "<Error><Code>AccessDenied</Code><Message>m</Message></Error>");
  EXPECT_EQ(test::run(s3_->abort_multipart(at_, "id")).error().kind, ErrorKind::refused);
}

TEST_F(S3Test, LooksAtAnObject) {
  http.then(200, "",
            {{"Content-Length", "123456789012"},
             {"ETag", "\"e\""},
             {"Last-Modified", "Tue, 24 Nov 2026 18:00:00 GMT"},
             {"X-Amz-Meta-Mtime", "17"}});
  const auto info = test::run(s3_->head(at_));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(info->key, at_.key);
  EXPECT_EQ(info->size, 123456789012U);
  EXPECT_EQ(info->etag, "e");
  EXPECT_EQ(info->modified, *parse_utc("2026-11-24T18:00:00Z"));
  EXPECT_EQ(info->metadata, (Metadata{{"mtime", "17"}}));
  http.then(404);
  EXPECT_EQ(test::run(s3_->head(at_)).error().kind, ErrorKind::not_found);
  http.then(301, "", {{"x-amz-bucket-region", "eu-west-1"}});  // HEAD has no body to tell it in
  http.then(404);
  EXPECT_EQ(test::run(s3_->head(at_)).error().kind, ErrorKind::not_found);
}

TEST_F(S3Test, ListsKeysThatXmlCannotHold) {
  http.then(200,
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
            "<NextContinuationToken>t+/=</NextContinuationToken>"
            "<Contents><Key>a+b%2Bc%01%0A/%C3%BC</Key><Size>5</Size><ETag>\"e\"</ETag>"
            "<LastModified>2026-11-24T18:00:00.123Z</LastModified></Contents></ListBucketResult>");
  http.then(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  const auto page = test::run(s3_->list({"results", "a b"}, ""));
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "a b+c\x01\n/\xc3\xbc");
  EXPECT_EQ(page->next, "t+/=");
  EXPECT_EQ(http.requests[0].url.target, "/?list-type=2&encoding-type=url&max-keys=1000&prefix=a%20b");
  const auto last = test::run(s3_->list({"results", "a b"}, page->next));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->next, "");
  EXPECT_TRUE(http.requests[1].url.target.ends_with("&continuation-token=t%2B%2F%3D"));
}

TEST_F(S3Test, BelievesNoOddList) {
  const auto page = [&](const std::string& inner) {
    http.then(200, "<ListBucketResult><EncodingType>url</EncodingType>" + inner + "</ListBucketResult>");
    return test::run(s3_->list({"results", ""}, ""));
  };
  const std::string rest = "<LastModified>2026-11-24T18:00:00Z</LastModified></Contents>";
  EXPECT_TRUE(page("<Contents><Key>a</Key><Size>1</Size>" + rest));
  EXPECT_FALSE(page("<Contents><Key>a%4</Key><Size>1</Size>" + rest));
  EXPECT_FALSE(page("<Contents><Key>a</Key><Size>-1</Size>" + rest));
  EXPECT_FALSE(page("<Contents><Key></Key><Size>1</Size>" + rest));
  EXPECT_FALSE(page("<Contents><Key>a</Key><Size>1</Size></Contents>"));
  EXPECT_FALSE(page("<IsTruncated>true</IsTruncated>"));
}

TEST_F(S3Test, ListsUnfinishedUploadsOfAllPages) {
  const auto upload = [](const std::string& key, const std::string& id) {
    return "<Upload><Key>" + key + "</Key><UploadId>" + id +
           "</UploadId><Initiated>2026-11-24T18:00:00Z</Initiated></Upload>";
  };
  http.then(200,
            "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
            "<NextKeyMarker>a+1</NextKeyMarker><NextUploadIdMarker>i1</NextUploadIdMarker>" +
                upload("a+1", "i1") + "</ListMultipartUploadsResult>");
  http.then(200, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>" + upload("b+1", "i2") +
                     "</ListMultipartUploadsResult>");
  const auto uploads = test::run(s3_->list_uploads({"results", "p"}));
  ASSERT_TRUE(uploads) << uploads.error().text();
  EXPECT_TRUE(uploads->all);
  ASSERT_EQ(uploads->uploads.size(), 2U);
  EXPECT_EQ(uploads->uploads[0].key, "a 1");
  EXPECT_EQ(uploads->uploads[1].key, "b+1");
  EXPECT_TRUE(http.requests[1].url.target.ends_with("&key-marker=a%201&upload-id-marker=i1"));
}

TEST_F(S3Test, SaysThatThereAreMoreUploadsThanItAsksFor) {
  for (int page = 0; page < 20; ++page)
    http.then(200,
              "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker>"
              "<NextUploadIdMarker>i</NextUploadIdMarker></ListMultipartUploadsResult>");
  const auto uploads = test::run(s3_->list_uploads({"results", "p"}));
  ASSERT_TRUE(uploads) << uploads.error().text();
  EXPECT_FALSE(uploads->all);
  EXPECT_EQ(http.requests.size(), 20U);
}

}  // namespace
}  // namespace curfew::aws
