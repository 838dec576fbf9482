package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"tload/stats/export"
	"tload/swarm/crew"
)

// outside is what hands a run's numbers to other systems while it goes on.
type outside struct {
	requests  *export.RequestLog
	listener  net.Listener
	server    *http.Server
	collector string
	pusher    *export.Pusher
}

// open does what can fail before any load is sent.
func (o *outside) open(s *settings, job *crew.Job) (err error) {
	if s.metrics != "" {
		if o.listener, err = net.Listen("tcp", s.metrics); err != nil {
			return fmt.Errorf("--metrics: %w; an address such as :9646 or 127.0.0.1:9646 is expected, which nobody else uses", err)
		}
	}
	if s.otlp != "" {
		if o.collector, err = export.CollectorURL(s.otlp); err != nil {
			return fmt.Errorf("--otlp: %w", err)
		}
	}
	if s.requests != "" {
		if o.requests, err = export.OpenRequestLog(s.requests); err != nil {
			return fmt.Errorf("--log-requests: %w", err)
		}
		job.Requests = o.requests.Log
	}
	return nil
}

// start begins to serve and to send.
func (o *outside) start(x *session) {
	now := func() export.State {
		s := x.ctl.Snapshot()
		return export.State{Snapshot: s.Snapshot, Started: s.Started, Users: s.Running, Target: s.Asked(), Healthy: s.Health.OK, CPU: s.Health.CPU}
	}
	if o.listener != nil {
		o.server = &http.Server{Handler: export.Prometheus(now), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
		go o.server.Serve(o.listener) // until close
		x.log.Info("metrics", "address", "http://"+o.listener.Addr().String()+"/metrics")
	}
	if o.collector != "" {
		o.pusher = export.Push(o.collector, now, func(err error) {
			if err != nil {
				x.log.Error("otlp: metrics are not delivered", "error", err)
			} else {
				x.log.Info("otlp: metrics are delivered again")
			}
		})
	}
}

// close ends all of it and says what is missing of the request log.
func (o *outside) close() (err error) {
	if o.requests != nil {
		err = o.requests.Close()
		o.requests = nil
	}
	if o.pusher != nil {
		o.pusher.Close()
		o.pusher = nil
	}
	if o.server != nil {
		err = errors.Join(err, o.server.Close())
		o.server, o.listener = nil, nil
	}
	if o.listener != nil {
		o.listener.Close()
		o.listener = nil
	}
	return err
}
