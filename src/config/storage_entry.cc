#include "config/storage_entry.h"

namespace weir::config {

Value<DatabaseEntry> database_value() {
  Value<DatabaseEntry> out;
  const Value<Located<std::string>> url =
      secret_text_value("a URL: duckdb://PATH, postgres://… or mysql://…");
  out.outline = url.outline;
  out.outline.schema.set("pattern", "^(duckdb|postgres|postgresql|mysql|mariadb)://|\\$\\{env:");
  out.read = [read = url.read](const YamlNode& node,
                               Reader& reader) -> std::optional<DatabaseEntry> {
    std::optional<Located<std::string>> text = read(node, reader);
    if (!text) return std::nullopt;
    if (text->value.starts_with("duckdb://") &&
        text->value.find("${secret:") != std::string::npos) {
      reader.error(text->location, "the path of a duckdb:// database can hold no secret",
                   "write the path itself");
      return std::nullopt;
    }
    return DatabaseEntry{*std::move(text)};
  };
  return out;
}

Value<BucketEntry> bucket_value() {
  const Value<Located<std::string>> url = text_value("a URL: file://FOLDER, s3://… or gs://…");
  const Value<BucketEntry> full =
      Record<BucketEntry>("bucket", "Where objects live, with settings.")
          .required("url", &BucketEntry::url, url,
                    "Where the objects are. file:// folders are relative to the project's folder.",
                    "file://landing")
          .optional("settle", &BucketEntry::settle_ms, duration_value(0, 86'400'000),
                    "How long a file found by a rescan must rest after its last change before it "
                    "is read.",
                    "5s")
          .value();
  return with_short_form<BucketEntry, Located<std::string>>(
      full, url, [](Located<std::string> text, const YamlNode&, Reader&) {
        BucketEntry entry;
        entry.url = std::move(text);
        return std::optional<BucketEntry>(std::move(entry));
      });
}

}  // namespace weir::config
