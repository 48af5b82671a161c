#include "text/receipt_json.h"

#include <gtest/gtest.h>

namespace weir::text {
namespace {

Receipt sample() {
  Receipt receipt;
  receipt.run = RunId("01hzy0000000000000000000aa");
  receipt.pipeline = PipelineName("load-sessions");
  receipt.object = ObjectRef{BucketName("landing"), ObjectKey("2017/a b.json")};
  receipt.version = ObjectVersion("sha256:12");
  receipt.status = RunState::partial;
  receipt.rows.read = 5;
  receipt.rows.inserted = 1;
  receipt.rows.updated = 1;
  receipt.rows.unchanged = 1;
  receipt.rows.rejected = 2;
  receipt.rows.replaced = 7;
  receipt.rejects.push_back(
      {2,
       3,
       10,
       20,
       {{"visitId", "bigint", "1.7", "no integer"}, {"date", "required", "", ""}},
       "{}"});
  receipt.rejects.push_back({4, 0, 30, 31, {{"", "json", "x", ""}}, "x"});
  receipt.duration_ms = 12.5;
  return receipt;
}

TEST(ReceiptJson, HasThePublishedShape) {
  EXPECT_EQ(
      to_json(sample()).to_string(),
      R"({"run":"01hzy0000000000000000000aa","pipeline":"load-sessions","object":"landing/2017/a b.json",)"
      R"("version":"sha256:12","status":"partial","rows":{"read":5,"expanded":0,"folded":0,"inserted":1,)"
      R"("updated":1,"unchanged":1,"loaded":3,"deduplicated":0,"filtered":0,"rejected":2,"replaced":7},)"
      R"("rejects":[)"
      R"({"element":2,"line":3,"field":"visitId","rule":"bigint","value":"1.7","message":"no integer",)"
      R"("raw":"{}","bytes":[10,20],"also":[{"field":"date","rule":"required","value":"","message":""}]},)"
      R"({"element":4,"field":"","rule":"json","value":"x","message":"","raw":"x","bytes":[30,31]}],)"
      R"("error":null,"duration_ms":12.5})");
}

TEST(ReceiptJson, ComesBackTheSame) {
  Receipt receipt = sample();
  receipt.error = Error{ErrorCode::too_many_rejects, "2 rows", "mend them", {"weir.yaml", 4, 2}};
  const Json json = to_json(receipt);
  const Receipt back = receipt_from_json(Json::parse(json.to_string()).value()).value();
  EXPECT_EQ(to_json(back), json);
  EXPECT_EQ(back.rows, receipt.rows);
  EXPECT_EQ(back.object, receipt.object);
  ASSERT_EQ(back.rejects.size(), 2u);
  EXPECT_EQ(back.rejects[0].problems.size(), 2u);
  EXPECT_EQ(back.error->code, ErrorCode::too_many_rejects);
  EXPECT_EQ(back.error->location.line, 4);
}

TEST(ReceiptJson, AnOlderOneReplacedNothing) {
  Json json = to_json(sample());
  Json rows = Json::object();
  for (const auto& [name, value] : json["rows"].as_object()) {
    if (name != "replaced") rows.set(name, value);
  }
  EXPECT_EQ(receipt_from_json(json.set("rows", rows)).value().rows.replaced, 0u);
}

TEST(ReceiptJson, NoObjectIsNull) {
  Receipt receipt = sample();
  receipt.object.reset();
  EXPECT_TRUE(to_json(receipt)["object"].is_null());
  EXPECT_FALSE(receipt_from_json(to_json(receipt)).value().object);
}

TEST(ReceiptJson, RefusesWhatIsNoReceipt) {
  EXPECT_EQ(receipt_from_json(Json()).error().code, ErrorCode::invalid_input);
  for (const auto& [name, value] :
       std::initializer_list<Json::Member>{{"run", 1},
                                           {"status", "done"},
                                           {"object", "nokey"},
                                           {"rows", Json::object()},
                                           {"error", "x"},
                                           {"rejects", Json::array().push(Json::object())}}) {
    EXPECT_FALSE(receipt_from_json(to_json(sample()).set(name, value))) << name;
  }
}

TEST(ErrorJson, KeepsEveryCode) {
#define X(each, category) \
  EXPECT_EQ(error_from_json(to_json(Error{ErrorCode::each, "m"})).value().code, ErrorCode::each);
  WEIR_ERROR_TABLE(X)
#undef X
  EXPECT_EQ(to_json(Error{ErrorCode::io, "m", "f"}).to_string(),
            R"({"code":"io","message":"m","fix":"f","location":null})");
}

}  // namespace
}  // namespace weir::text
