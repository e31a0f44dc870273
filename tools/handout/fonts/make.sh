#!/usr/bin/env bash
# Makes the fonts in this folder again, in the folder where it is started. It needs fonttools and brotli, and in
# the same folder, under the names below, the fonts of which README.md says where they come from.
set -eu

latin="U+0020-007E,U+00A0-00FF"
formulas="U+0302-0305,U+0391-03A9,U+03B1-03F5,U+2016,U+2026,U+2032-2033,U+203E,U+2061-2063,U+210E,U+2113,U+2190-2193"
formulas+=",U+21A6,U+21D0,U+21D2,U+21D4,U+2200,U+2202-2203,U+2207-2208,U+220F,U+2211-2212,U+2217-2218,U+221A"
formulas+=",U+221D-221E,U+2225,U+2227,U+222B,U+2248,U+2260-2261,U+2264-2265,U+226A-226B,U+2272,U+2295,U+2299,U+22A4"
formulas+=",U+22C5,U+22EF,U+25A1,U+25AB,U+27E8-27E9,U+1D434-1D467,U+1D6FC-1D71B"
pictures="U+0391-03C9,U+2010-2014,U+2018-201D,U+2022,U+2026,U+2032,U+2070,U+2074-2079,U+207F-2089,U+2190-2193"
pictures+=",U+2200,U+2202,U+2207-2208,U+2211-2212,U+221A,U+221E,U+2248,U+2260,U+2264-2265,U+2299,U+25A0-25A1"
pictures+=",U+25B2,U+25B6,U+25BC,U+25C0,U+25CB,U+25CF,U+2713-2714,U+2717"

pyftsubset stix-two-math-latin-400-normal.woff2 --unicodes="$latin,$formulas" --layout-features=ssty,dtls \
    --no-hinting --flavor=woff2 --output-file=STIXTwoMath.woff2
for face in DejaVuSans DejaVuSans-Bold DejaVuSans-Oblique; do
    pyftsubset "matplotlib/$face.ttf" --unicodes="$latin,$pictures" --layout-features=kern \
        --no-hinting --output-file="$face.ttf"
done
