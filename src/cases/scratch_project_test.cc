#include "cases/scratch_project.h"

#include <gtest/gtest.h>

namespace weir::cases {
namespace {

TEST(ScratchProject, HasNothingOfTheProjectsOwn) {
  Project project;
  project.root = "/project";
  project.databases.resize(2);
  project.databases[0].name = DatabaseName("d");
  project.databases[0].engine = Engine::postgres;
  project.databases[0].url = "postgres://u:p@h/d";
  project.databases[1].name = DatabaseName("e");
  project.databases[1].path = "/project/e.duckdb";
  project.buckets.resize(1);
  project.buckets[0].name = BucketName("b");
  project.buckets[0].kind = BucketKind::s3;
  Pipeline pipeline;
  pipeline.steps = {ReadStep{}, LoadStep{TableName("t"), LoadMode::append, {}},
                    LaterStep{"notify", {}}};
  project.pipelines.push_back(pipeline);
  project.tests.emplace_back();

  const Project scratch = scratch_project(project, "/scratch/1", 256'000'000);
  EXPECT_EQ(scratch.state_dir(), "/scratch/1/.weir/test");
  EXPECT_EQ(scratch.memory_bytes, 256'000'000u);
  for (const DatabaseConfig& database : scratch.databases) {
    EXPECT_EQ(database.engine, Engine::duckdb);
    EXPECT_EQ(database.url, "duckdb://:memory:");
    EXPECT_TRUE(database.path.empty());
  }
  EXPECT_EQ(scratch.buckets[0].kind, BucketKind::file);
  EXPECT_EQ(scratch.buckets[0].path, "/scratch/1/buckets/b");
  EXPECT_EQ(scratch.pipelines[0].steps.size(), 2u);
  EXPECT_TRUE(scratch.tests.empty());
}

}  // namespace
}  // namespace weir::cases
