#include "io/pack.h"

#include <zlib.h>
#include <zstd.h>

#include "base/check.h"

namespace weir::io {

std::string gzip_packed(std::string_view bytes) {
  constexpr int gzip_window = 15 + 16;
  z_stream zlib{};
  const int begun =
      deflateInit2(&zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY);
  WEIR_CHECK(begun == Z_OK, "zlib cannot start");
  std::string packed(deflateBound(&zlib, bytes.size()), '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  zlib.next_out = reinterpret_cast<Bytef*>(packed.data());
  zlib.avail_out = static_cast<uInt>(packed.size());
  const int ended = deflate(&zlib, Z_FINISH);
  packed.resize(zlib.total_out);
  deflateEnd(&zlib);
  WEIR_CHECK(ended == Z_STREAM_END, "deflateBound() is no bound");
  return packed;
}

std::string zstd_packed(std::string_view bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3);
  WEIR_CHECK(ZSTD_isError(size) == 0, "zstd cannot pack");
  packed.resize(size);
  return packed;
}

}  // namespace weir::io
