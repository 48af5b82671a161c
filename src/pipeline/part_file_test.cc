#include "pipeline/part_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "io/atomic_file.h"
#include "io/temporary_folder_for_test.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

std::string content(const PartFile& part) {
  const auto stream = part.read();
  std::string out(1000, '\0');
  out.resize((*stream)->read(out.data(), out.size()).value_or(0));
  return out;
}

TEST(PartFile, IsFoundAgain) {
  const io::TemporaryFolder folder;
  {
    auto part = PartFile::open(folder.path("new/folder"), "x");
    ASSERT_TRUE(part) << part.error().to_string();
    EXPECT_EQ(part->size(), 0u);
    PartState state;
    state.url_digest = "u";
    state.target = "in/x";
    state.validator = state.etag = "\"1\"";
    state.encoding = "gzip";
    state.last_modified = "m";
    state.total = 10;
    ASSERT_TRUE(part->begin(state));
    ASSERT_TRUE(part->append("abc"));
    ASSERT_TRUE(part->append("de"));
    ASSERT_TRUE(part->putting("run", "sha256:1"));
  }
  auto part = PartFile::open(folder.path("new/folder"), "x");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->size(), 5u);
  EXPECT_EQ(content(*part), "abcde");
  EXPECT_EQ(part->state().url_digest, "u");
  EXPECT_EQ(part->state().target, "in/x");
  EXPECT_EQ(part->state().validator, "\"1\"");
  EXPECT_EQ(part->state().encoding, "gzip");
  EXPECT_EQ(part->state().last_modified, "m");
  EXPECT_EQ(part->state().total, 10u);
  EXPECT_EQ(part->state().put_run, "run");
  ASSERT_TRUE(part->clear());
  EXPECT_EQ(part->size(), 0u);
  EXPECT_EQ(part->state().validator, "");
  EXPECT_EQ(part->state().put_version, "sha256:1") << "who put what is kept";
}

TEST(PartFile, WhatAKilledWriterLeftIsCleared) {
  const io::TemporaryFolder folder;
  ASSERT_TRUE(PartFile::open(folder.path("d"), "x"));
  for (const char* name : {"x.json.a1B2c3", "xy.json.a1B2c3", "x.json.bak", "x.jsonl"}) {
    std::ofstream(folder.path("d") + "/" + name) << "{";
  }
  ASSERT_TRUE(PartFile::open(folder.path("d"), "x"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("d") + "/x.json.a1B2c3"));
  for (const char* name : {"x.part", "xy.json.a1B2c3", "x.json.bak", "x.jsonl"}) {
    EXPECT_TRUE(std::filesystem::exists(folder.path("d") + "/" + name)) << name;
  }
}

TEST(PartFile, HasOneUserAtATime) {
  const io::TemporaryFolder folder;
  const auto first = PartFile::open(folder.path(), "x");
  ASSERT_TRUE(first);
  const auto second = PartFile::open(folder.path(), "x");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
  EXPECT_TRUE(PartFile::open(folder.path(), "y"));
}

TEST(PartFile, BytesThatMayNotBeOnTheDiskAreForgotten) {
  const io::TemporaryFolder folder;
  const auto write = [&](const std::string& state) {
    std::ofstream(folder.path("x.part")) << "abc";
    std::ofstream(folder.path("x.json")) << state;
  };
  for (const std::string state : {"", "nonsense", R"({"validator": "\"1\""})",
                                  R"({"validator": "\"1\"", "boot": "another start"})"}) {
    write(state);
    const auto part = PartFile::open(folder.path(), "x");
    ASSERT_TRUE(part);
    EXPECT_EQ(part->size(), 0u) << state;
  }
}

}  // namespace
}  // namespace weir::pipeline
