/** UDP ports of the phones' host. SIP and RTP do not overlap, so that a capture can tell them apart by port. */
export const RTP_PORTS = { min: 20_000, max: 59_999 } as const;

const SIP_PORT_BASE = 6_000;
const SIP_PORTS = 1_000;
/** Room for the RTP of 1,000 phones of one SIPp process: two ports each. */
const RTP_PORTS_EACH = 2_000;

/** Ports for SIPp processes, each its own; they come round again after a long time. */
export class PortPlan {
  private taken = 0;

  next(): { readonly sip: number; readonly rtp: { readonly min: number; readonly max: number } } {
    const slices = (RTP_PORTS.max + 1 - RTP_PORTS.min) / RTP_PORTS_EACH;
    const min = RTP_PORTS.min + (this.taken % slices) * RTP_PORTS_EACH;
    const sip = SIP_PORT_BASE + (this.taken % SIP_PORTS);
    this.taken += 1;
    return { sip, rtp: { min, max: min + RTP_PORTS_EACH - 1 } };
  }
}
