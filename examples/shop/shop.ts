// The shop that the agents of these examples work in: three plain functions, and what they really did. Nothing here knows
// of Mandate.

export interface Shop {
  readonly lookUpOrder: (wanted: { readonly order: number }) => {
    readonly order: number;
    readonly total: number;
    readonly status: string;
  };
  readonly refundOrder: (wanted: { readonly order: number }) => { readonly refunded: number };
  readonly eraseCustomer: (wanted: { readonly customer: string }) => { readonly erased: string };
  /** Every effect, in order. */
  readonly ledger: readonly string[];
}

export function openShop(): Shop {
  const ledger: string[] = [];
  return {
    ledger,
    lookUpOrder({ order }) {
      ledger.push(`looked up ${order}`);
      return { order, total: 40, status: 'delivered broken' };
    },
    refundOrder({ order }) {
      ledger.push(`refunded ${order}`);
      return { refunded: 40 };
    },
    eraseCustomer({ customer }) {
      ledger.push(`erased ${customer}`);
      return { erased: customer };
    },
  };
}
