# tload and nothing else. Its run directories are written to /runs:
#
#	docker run --rm -it --network host -v "$PWD/tload-runs:/runs" tload --host=http://localhost:5000
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /tload .

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /tload /usr/local/bin/tload
WORKDIR /runs
ENTRYPOINT ["tload"]
