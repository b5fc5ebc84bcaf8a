/**
 * What static assets are served as: the network takes the uploader's word for it. Types of the IANA registry and those in common
 * use, which test/cloudflare compares with what Wrangler sends. https://www.iana.org/assignments/media-types/
 */
import path from "node:path";

/** A type, and the extensions of its files. */
const TABLE = `
  application/atom+xml atom
  application/dash+xml mpd
  application/epub+zip epub
  application/geo+json geojson
  application/gpx+xml gpx
  application/gzip gz
  application/java-archive jar war
  application/json json map
  application/json5 json5
  application/ld+json jsonld
  application/manifest+json webmanifest
  application/msword doc
  application/n-quads nq
  application/n-triples nt
  application/node cjs
  application/octet-stream bin deb dmg exe iso msi
  application/ogg ogx
  application/pdf pdf
  application/pgp-keys asc
  application/pgp-signature sig
  application/pkix-cert cer
  application/postscript ai eps ps
  application/rdf+xml rdf
  application/rls-services+xml rs
  application/rss+xml rss
  application/rtf rtf
  application/sql sql
  application/toml toml
  application/trig trig
  application/vnd.android.package-archive apk
  application/vnd.apple.keynote key
  application/vnd.apple.mpegurl m3u8
  application/vnd.google-earth.kml+xml kml
  application/vnd.google-earth.kmz kmz
  application/vnd.ms-excel xls
  application/vnd.ms-fontobject eot
  application/vnd.ms-powerpoint ppt
  application/vnd.oasis.opendocument.presentation odp
  application/vnd.oasis.opendocument.spreadsheet ods
  application/vnd.oasis.opendocument.text odt
  application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
  application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
  application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
  application/vnd.rar rar
  application/wasm wasm
  application/x-7z-compressed 7z
  application/x-bittorrent torrent
  application/x-bzip2 bz2
  application/x-chess-pgn pgn
  application/x-chrome-extension crx
  application/x-dvi dvi
  application/x-httpd-php php
  application/x-latex latex
  application/x-mobipocket-ebook mobi
  application/x-pkcs12 p12
  application/x-redhat-package-manager rpm
  application/x-sh sh
  application/x-shockwave-flash swf
  application/x-subrip srt
  application/x-tar tar
  application/x-tex tex
  application/x-x509-ca-cert crt pem
  application/x-xpinstall xpi
  application/x-xz xz
  application/xhtml+xml xhtml
  application/xml xml xsl
  application/zip zip
  audio/aac aac
  audio/midi mid midi
  audio/mp4 m4a
  audio/mpeg mp3
  audio/ogg oga ogg opus
  audio/wav wav
  audio/webm weba
  audio/x-flac flac
  font/collection ttc
  font/otf otf
  font/ttf ttf
  font/woff woff
  font/woff2 woff2
  image/apng apng
  image/avif avif
  image/bmp bmp
  image/gif gif
  image/heic heic
  image/heif heif
  image/jpeg jpe jpeg jpg
  image/jxl jxl
  image/pjpeg jfif
  image/png png
  image/svg+xml svg svgz
  image/tiff tif tiff
  image/vnd.adobe.photoshop psd
  image/vnd.microsoft.icon ico
  image/webp webp
  model/gltf+json gltf
  model/gltf-binary glb
  model/obj obj
  model/stl stl
  model/vnd.usdz+zip usdz
  model/vrml vrml
  model/x3d+xml x3d
  text/cache-manifest appcache manifest
  text/calendar ics
  text/coffeescript coffee
  text/css css
  text/csv csv
  text/html htm html shtml
  text/javascript js mjs
  text/jsx jsx
  text/less less
  text/markdown markdown md
  text/mdx mdx
  text/n3 n3
  text/plain conf ini log text txt
  text/tab-separated-values tsv
  text/troff man
  text/turtle ttl
  text/vtt vtt
  text/wgsl wgsl
  text/x-c c cpp h
  text/x-handlebars-template hbs
  text/x-java-source java
  text/x-sass sass
  text/x-scss scss
  text/x-vcard vcf
  text/yaml yaml yml
  video/3gpp 3gp
  video/3gpp2 3g2
  video/iso.segment m4s
  video/mp2t ts
  video/mp4 mp4
  video/mpeg mpeg mpg
  video/ogg ogv
  video/quicktime mov
  video/webm webm
  video/x-m4v m4v
  video/x-matroska mkv
  video/x-msvideo avi
`;

const TYPES = new Map(
  TABLE.trim()
    .split("\n")
    .flatMap((row) => {
      const [type, ...extensions] = row.trim().split(" ");
      return extensions.map((extension) => [extension, type!] as const);
    }),
);

/** @returns undefined for an extension that says nothing */
export function mediaType(file: string): string | undefined {
  const type = TYPES.get(path.extname(file).slice(1).toLowerCase());
  return type?.startsWith("text/") ? `${type}; charset=utf-8` : type;
}
